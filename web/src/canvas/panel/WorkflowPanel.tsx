/** Shown while no node is selected: what there is, and what can be done. */
import { useTranslation } from "react-i18next";
import { Button } from "@/ui/Button";
import { useEditor } from "../context";

export function WorkflowPanel() {
  const { t } = useTranslation("canvas");
  const graph = useEditor((state) => state.history.graph);
  const readOnly = useEditor((state) => state.readOnly);
  const show = useEditor((state) => state.show);
  return (
    <div className="min-h-0 flex-1 space-y-4 overflow-auto p-3">
      <p className="text-ink-soft">
        {graph.nodes.length
          ? t(readOnly ? "panel.chooseRead" : "panel.choose", { count: graph.nodes.length })
          : t("panel.empty")}
      </p>
      <section>
        <h3 className="mb-1 font-medium">{t("parameters.title")}</h3>
        {graph.parameters.length ? (
          <dl className="divide-y divide-line rounded-md border border-line">
            {graph.parameters.map((parameter) => (
              <div key={parameter.name} className="flex justify-between gap-3 px-2 py-1">
                <dt className="font-mono text-xs">{parameter.name}</dt>
                <dd className="truncate text-ink-soft text-xs">
                  {String(parameter.default ?? t("parameters.asked"))}
                </dd>
              </div>
            ))}
          </dl>
        ) : (
          <p className="text-ink-faint text-xs">{t("parameters.none")}</p>
        )}
        {readOnly ? null : (
          <Button className="mt-2" onClick={() => show({ dialog: "parameters" })}>
            {t("parameters.edit")}
          </Button>
        )}
      </section>
    </div>
  );
}
