/** Two runs beside each other: graph, values, and node by node what differed. */
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { api, data, type Schema } from "@/api/client";
import { formatDuration, formatNumber } from "@/i18n/format";
import { type RunDetail, runsQuery } from "@/live/run";
import { DifferenceList, FieldChanges } from "@/ui/DifferenceList";
import { Checkbox, Field, Select } from "@/ui/Field";
import { ProblemNote } from "@/ui/ProblemNote";
import { Skeleton } from "@/ui/Skeleton";
import { type State, StateBadge } from "@/ui/StateBadge";
import { titleOf } from "./RunsTable";

interface CompareProps {
  run: RunDetail;
  other: string | undefined;
  onOther: (id: string) => void;
}

export function Compare({ run, other, onOther }: CompareProps) {
  const { t } = useTranslation("runs");
  const { data: runs } = useQuery(runsQuery(run.workflow ?? undefined, 100));
  const others = runs?.items.filter((one) => one.id !== run.id) ?? [];
  const chosen = other ?? others.find((one) => one.created_at < run.created_at)?.id ?? others[0]?.id;
  const comparison = useQuery({
    queryKey: ["compare", chosen, run.id],
    queryFn: () =>
      data(
        api.GET("/api/v1/runs/{run_id}/compare/{other_id}", {
          params: { path: { run_id: chosen ?? "", other_id: run.id } },
        }),
      ),
    enabled: Boolean(chosen),
  });
  return (
    <div className="min-h-0 flex-1 overflow-auto p-4">
      <Field label={t("compare.with")} className="mb-4 max-w-sm">
        {(control) => (
          <Select {...control} value={chosen ?? ""} onChange={(event) => onOther(event.target.value)}>
            {others.length ? null : <option value="">{t("none")}</option>}
            {others.map((one) => (
              <option key={one.id} value={one.id}>
                {titleOf(one)} · {t(`trigger.${one.trigger}`)}
              </option>
            ))}
          </Select>
        )}
      </Field>
      {comparison.isError ? <ProblemNote problem={comparison.error} /> : null}
      {comparison.data ? (
        <Result comparison={comparison.data} />
      ) : chosen && !comparison.isError ? (
        <Skeleton className="h-40" />
      ) : null}
    </div>
  );
}

function Result({ comparison }: { comparison: Schema<"RunComparison"> }) {
  const { t } = useTranslation("runs");
  const [only, setOnly] = useState(true);
  const nodes = comparison.nodes.filter((node) => !only || differs(node));
  return (
    <div className="space-y-6">
      <section>
        <h3 className="mb-2 font-semibold">{t("compare.graph")}</h3>
        <DifferenceList changes={[...comparison.graph.changes, ...(comparison.parameters ?? [])]} />
      </section>
      <section>
        <div className="mb-2 flex items-center justify-between">
          <h3 className="font-semibold">{t("compare.nodes")}</h3>
          <Checkbox
            label={t("compare.only")}
            checked={only}
            onChange={(event) => setOnly(event.target.checked)}
          />
        </div>
        {nodes.length ? null : <p className="text-ink-faint">{t("compare.same")}</p>}
        <ul className="space-y-2">
          {nodes.map((node) => (
            <li key={node.name} className="rounded-lg border border-line bg-surface p-3">
              <div className="flex flex-wrap items-center gap-3">
                <strong className="font-medium">{node.name}</strong>
                <Side state={node.state_before} seconds={node.seconds_before} />
                <span aria-hidden>→</span>
                <Side state={node.state_after} seconds={node.seconds_after} />
              </div>
              <FieldChanges fields={[...node.settings, ...node.code, ...node.environment]} />
              <Metrics metrics={node.metrics} />
            </li>
          ))}
        </ul>
      </section>
    </div>
  );
}

function differs(node: Schema<"NodeComparison">): boolean {
  const changes = node.settings.length + node.code.length + node.environment.length;
  const metrics = node.metrics.some(({ before, after }) => before !== after);
  return changes > 0 || metrics || node.state_before !== node.state_after;
}

/** The last values of the curves, and how far the second run's is from the first's. */
function Metrics({ metrics }: { metrics: readonly Schema<"MetricComparison">[] }) {
  const { t } = useTranslation("runs");
  if (!metrics.length) return null;
  return (
    <table className="mt-2 text-xs tabular-nums">
      <thead className="text-ink-faint">
        <tr>
          {(["metric", "before", "after", "difference"] as const).map((column) => (
            <th
              key={column}
              scope="col"
              className={column === "metric" ? "pr-6 text-left font-normal" : "px-3 text-right font-normal"}
            >
              {t(`compare.${column}`)}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {metrics.map(({ name, before, after }) => (
          <tr key={name} className="border-line border-t">
            <th scope="row" className="py-0.5 pr-6 text-left font-mono font-normal">
              {name}
            </th>
            <td className="px-3 text-right">{shown(before)}</td>
            <td className="px-3 text-right">{shown(after)}</td>
            <td className="px-3 text-right text-ink-soft">{difference(before, after)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function shown(value: number | null | undefined): string {
  return typeof value === "number" ? formatNumber(value, 6) : "–";
}

/** With its sign; nothing if one of the two is missing. */
export function difference(before: number | null | undefined, after: number | null | undefined): string {
  if (typeof before !== "number" || typeof after !== "number") return "";
  const by = after - before;
  return `${by > 0 ? "+" : by < 0 ? "−" : "±"}${formatNumber(Math.abs(by), 4)}`;
}

function Side({
  state,
  seconds,
}: {
  state?: string | null | undefined;
  seconds?: number | null | undefined;
}) {
  const { t } = useTranslation("runs");
  return state ? (
    <span className="inline-flex items-center gap-2">
      <StateBadge state={state as State} />
      <span className="text-ink-faint tabular-nums">{seconds ? formatDuration(seconds) : ""}</span>
    </span>
  ) : (
    <span className="text-ink-faint">{t("compare.absent")}</span>
  );
}
