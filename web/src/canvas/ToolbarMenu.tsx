/** What is needed less often. */
import { Bell, Download, Ellipsis, FileClock, Grid3x3, Keyboard, RotateCcw, Search } from "lucide-react";
import { useTranslation } from "react-i18next";
import type { RunDetail } from "@/live/run";
import { IconButton } from "@/ui/Button";
import { Menu, MenuItem, MenuSeparator } from "@/ui/Menu";
import { useEditor } from "./context";

const KEYS = { palette: "Ctrl+K", shortcuts: "?" };

export function ToolbarMenu({ workflow, run }: { workflow: { id: string }; run: RunDetail | undefined }) {
  const { t } = useTranslation(["canvas", "common"]);
  const show = useEditor((state) => state.show);
  return (
    <Menu
      trigger={
        <IconButton label={t("common:action.more")}>
          <Ellipsis aria-hidden className="size-4" />
        </IconButton>
      }
    >
      <MenuItem icon={FileClock} onSelect={() => show({ dialog: "versions" })}>
        {t("versions.title")}
      </MenuItem>
      <MenuItem icon={RotateCcw} disabled={!run} onSelect={() => show({ dialog: "resume" })}>
        {t("resume.title")}
      </MenuItem>
      <MenuItem icon={Grid3x3} onSelect={() => show({ dialog: "sweep" })}>
        {t("sweep.title")}
      </MenuItem>
      <MenuItem icon={Bell} onSelect={() => show({ dialog: "notifications" })}>
        {t("notifications.title")}
      </MenuItem>
      <MenuItem icon={Download} onSelect={() => location.assign(`/api/v1/workflows/${workflow.id}/export`)}>
        {t("export")}
      </MenuItem>
      <MenuSeparator />
      <MenuItem icon={Search} onSelect={() => show({ dialog: "palette" })}>
        <span className="flex-1">{t("palette.title")}</span>
        <kbd className="ml-6 font-sans text-ink-faint text-xs">{KEYS.palette}</kbd>
      </MenuItem>
      <MenuItem icon={Keyboard} onSelect={() => show({ dialog: "shortcuts" })}>
        <span className="flex-1">{t("shortcuts.title")}</span>
        <kbd className="ml-6 font-sans text-ink-faint text-xs">{KEYS.shortcuts}</kbd>
      </MenuItem>
    </Menu>
  );
}
