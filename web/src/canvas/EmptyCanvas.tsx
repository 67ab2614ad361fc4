/** What an empty canvas says: how to begin, and the example that is one click away. */
import { Flame } from "lucide-react";
import { useTranslation } from "react-i18next";
import { Button } from "@/ui/Button";
import { useEditor, useEditorParts } from "./context";
import { useView } from "./view";

export const EXAMPLE = "lenet";

export function EmptyCanvas() {
  const { t } = useTranslation("canvas");
  const { host } = useEditorParts();
  const show = useEditor((state) => state.show);
  const view = useView();
  return (
    <div className="pointer-events-none absolute inset-0 grid place-items-center">
      <div className="pointer-events-auto flex max-w-md flex-col items-center gap-3 text-center">
        <p className="text-ink-soft">{t("empty.how")}</p>
        <div className="flex gap-2">
          <Button kind="primary" onClick={() => host.insertTemplate(EXAMPLE)}>
            <Flame aria-hidden className="size-4" />
            {t("empty.example")}
          </Button>
          <Button onClick={() => show({ search: { screen: view.middle().screen, at: view.middle().at } })}>
            {t("empty.add")}
          </Button>
        </div>
      </div>
    </div>
  );
}
