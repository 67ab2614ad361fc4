import { Panel, useStore } from "@xyflow/react";
import { Maximize, Minus, Plus } from "lucide-react";
import { useTranslation } from "react-i18next";
import { IconButton } from "@/ui/Button";
import { BARE, useView } from "./view";

export function ViewButtons() {
  const { t } = useTranslation("canvas");
  const view = useView();
  const zoom = useStore((state) => Math.round(state.transform[2] * 100));
  const bare = useStore((state) => state.height < BARE);
  if (bare) return null;
  return (
    <Panel
      position="bottom-left"
      className="flex items-center rounded-lg border border-line bg-raised p-0.5 shadow-sm"
    >
      <IconButton label={t("view.farther")} shortcut="−" className="h-7!" onClick={view.farther}>
        <Minus aria-hidden className="size-4" />
      </IconButton>
      <IconButton
        label={t("view.natural")}
        shortcut="0"
        className="h-7! w-12 text-xs tabular-nums"
        onClick={view.natural}
      >
        {zoom}%
      </IconButton>
      <IconButton label={t("view.closer")} shortcut="+" className="h-7!" onClick={view.closer}>
        <Plus aria-hidden className="size-4" />
      </IconButton>
      <IconButton label={t("view.fit")} shortcut="1" className="h-7!" onClick={view.fit}>
        <Maximize aria-hidden className="size-4" />
      </IconButton>
    </Panel>
  );
}
