/** All nodes of a run as a list: searched, filtered, sorted, and led from to the canvas. */

import clsx from "clsx";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { formatDuration } from "@/i18n/format";
import { sentenceOf } from "@/i18n/said";
import type { NodeRun, RunDetail } from "@/live/run";
import { Select } from "@/ui/Field";
import { SearchField } from "@/ui/SearchField";
import { StateIcon } from "@/ui/StateBadge";

type Order = "graph" | "duration" | "name";

interface OutlineProps {
  run: RunDetail;
  chosen: string | undefined;
  onChoose: (node: string) => void;
}

export function Outline({ run, chosen, onChoose }: OutlineProps) {
  const { t } = useTranslation(["runs", "common"]);
  const [text, setText] = useState("");
  const [state, setState] = useState("");
  const [order, setOrder] = useState<Order>("graph");
  const states = [...new Set(run.nodes.map((node) => node.state))];
  const shown = run.nodes
    .filter(
      (node) => node.name.toLowerCase().includes(text.toLowerCase()) && (!state || node.state === state),
    )
    .sort((one, other) =>
      order === "duration"
        ? seconds(other) - seconds(one)
        : order === "name"
          ? one.name.localeCompare(other.name)
          : 0,
    );
  return (
    <aside
      aria-label={t("outline")}
      className="flex w-64 shrink-0 max-lg:w-44 flex-col border-line border-r bg-surface"
    >
      <div className="space-y-1.5 border-line border-b p-2">
        <SearchField label={t("searchNodes")} value={text} onChange={setText} />
        <div className="flex gap-1.5 max-lg:flex-col">
          <Select
            className="h-7! px-1!"
            aria-label={t("column.state")}
            value={state}
            onChange={(event) => setState(event.target.value)}
          >
            <option value="">{t("allStates")}</option>
            {states.map((one) => (
              <option key={one} value={one}>
                {t(`common:state.${one}`)}
              </option>
            ))}
          </Select>
          <Select
            className="h-7! px-1!"
            aria-label={t("order.label")}
            value={order}
            onChange={(event) => setOrder(event.target.value as Order)}
          >
            <option value="graph">{t("order.graph")}</option>
            <option value="duration">{t("order.duration")}</option>
            <option value="name">{t("order.name")}</option>
          </Select>
        </div>
      </div>
      <ul className="min-h-0 flex-1 overflow-auto p-1">
        {shown.map((node) => (
          <li key={node.name}>
            <button
              type="button"
              aria-current={node.name === chosen}
              title={sentenceOf(node)}
              className={clsx(
                "flex w-full items-center gap-2 rounded-md px-2 py-1 text-left hover:bg-sunken",
                node.name === chosen && "bg-sunken font-medium",
              )}
              onClick={() => onChoose(node.name)}
            >
              <StateIcon state={node.unreachable ? "unreachable" : node.state} />
              <span className="sr-only">{t(`common:state.${node.state}`)}</span>
              <span className="min-w-0 flex-1 truncate">{node.name}</span>
              <span className="text-ink-faint text-xs tabular-nums">
                {node.started_at && node.finished_at ? formatDuration(seconds(node)) : ""}
              </span>
            </button>
          </li>
        ))}
      </ul>
    </aside>
  );
}

function seconds(node: NodeRun): number {
  if (!node.started_at || !node.finished_at) return 0;
  return (Date.parse(node.finished_at) - Date.parse(node.started_at)) / 1_000;
}
