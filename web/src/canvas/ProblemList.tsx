/** Everything that keeps the workflow from running; a click leads to the node and its field. */
import { CircleAlert, CircleCheck } from "lucide-react";
import { useTranslation } from "react-i18next";
import type { Problem } from "./board";
import { useEditorParts } from "./context";
import { useView } from "./view";

export function ProblemList({ problems }: { problems: readonly Problem[] }) {
  const { t } = useTranslation("canvas");
  const { store } = useEditorParts();
  const view = useView();

  function lead(problem: Problem): void {
    const { history, select, show } = store.getState();
    const node = history.graph.nodes.find((one) => one.name === problem.node);
    if (node) {
      select([node.id]);
      show({ panelOpen: true, field: problem.field ?? undefined });
      if (!view.sees(node.id)) view.show([node.id]);
    } else if (problem.field?.startsWith("parameters")) show({ dialog: "parameters" });
    else if (problem.field?.startsWith("settings")) show({ dialog: "settings" });
  }

  if (!problems.length) {
    return (
      <p className="flex items-center gap-2 p-4 text-ink-soft">
        <CircleCheck aria-hidden className="size-4 text-state-succeeded" />
        {t("problems.none")}
      </p>
    );
  }
  return (
    <ul className="min-h-0 flex-1 overflow-auto py-1">
      {problems.map((problem, at) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: the same may be said twice
        <li key={`${problem.node} ${problem.field} ${problem.code} ${at}`}>
          <button
            type="button"
            className="flex w-full items-baseline gap-2 px-3 py-1 text-left hover:bg-sunken"
            onClick={() => lead(problem)}
          >
            <CircleAlert aria-hidden className="size-3.5 shrink-0 self-center text-danger" />
            {problem.node ? <strong className="shrink-0 font-medium">{problem.node}</strong> : null}
            {problem.field ? <code className="shrink-0 text-ink-faint text-xs">{problem.field}</code> : null}
            <span>{problem.message}</span>
          </button>
        </li>
      ))}
    </ul>
  );
}
