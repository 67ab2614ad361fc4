/** The time line of a run: each node's bar, split into queueing, staging, running and collecting. */
import { useQuery } from "@tanstack/react-query";
import clsx from "clsx";
import { useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { api, data } from "@/api/client";
import { formatDuration } from "@/i18n/format";
import { type RunDetail, runEnded } from "@/live/run";
import { Checkbox } from "@/ui/Field";
import { StateIcon } from "@/ui/StateBadge";
import { barsOf, type Phase } from "./timing";

const COLOURS: Record<Phase, string> = {
  queued: "bg-state-queued",
  staging: "bg-state-stale",
  running: "bg-state-running",
  collecting: "bg-state-reused",
};
const PHASES: readonly Phase[] = ["queued", "staging", "running", "collecting"];

export function Gantt({ run, onShow }: { run: RunDetail; onShow: (node: string) => void }) {
  const { t } = useTranslation("runs");
  const [only, setOnly] = useState(false);
  const [marked, setMarked] = useState<string>();
  const ended = runEnded(run);
  const now = useNow(!ended);
  const { data: events } = useQuery({
    queryKey: ["run", run.id, "events"],
    queryFn: () => data(api.GET("/api/v1/runs/{run_id}/events", { params: { path: { run_id: run.id } } })),
    refetchInterval: ended ? false : 2_000,
  });
  const bars = barsOf(run, events ?? [], now).filter((bar) => bar.segments.length && (!only || bar.critical));
  const first = Math.min(
    Date.parse(run.started_at ?? run.created_at),
    ...bars.map((bar) => bar.segments[0]?.from ?? now),
  );
  const last = Math.max(first + 1, ...bars.flatMap((bar) => bar.segments.map((segment) => segment.to)));
  const share = (moment: number) => `${(100 * (moment - first)) / (last - first)}%`;
  const states = new Map(run.nodes.map((node) => [node.name, node.state]));
  return (
    <div className="min-h-0 flex-1 overflow-auto p-4">
      <div className="mb-3 flex flex-wrap items-center gap-4 text-xs">
        {PHASES.map((phase) => (
          <span key={phase} className="inline-flex items-center gap-1.5">
            <span aria-hidden className={clsx("h-3 w-5 rounded-sm", COLOURS[phase])} />
            {t(`phase.${phase}`)}
          </span>
        ))}
        <span className="inline-flex items-center gap-1.5">
          <span aria-hidden className="h-3 w-5 rounded-sm border-2 border-accent" />
          {t("critical")}
        </span>
        <Checkbox
          label={t("onlyCritical")}
          checked={only}
          onChange={(event) => setOnly(event.target.checked)}
        />
        <span className="ml-auto text-ink-faint">
          {t("total", { time: formatDuration((last - first) / 1_000) })}
        </span>
      </div>
      <div className="grid grid-cols-[minmax(8rem,14rem)_1fr] gap-x-3 gap-y-1">
        {bars.map((bar) => (
          <div key={bar.name} className="col-span-2 grid grid-cols-subgrid items-center">
            <button
              type="button"
              className="flex min-w-0 items-center gap-1.5 rounded px-1 py-0.5 text-left hover:bg-sunken"
              onClick={() => onShow(bar.name)}
            >
              <StateIcon state={states.get(bar.name) ?? "waiting"} />
              <span className="truncate">{bar.name}</span>
            </button>
            <button
              type="button"
              aria-label={t("toTable", { name: bar.name })}
              className="relative block h-5 cursor-pointer rounded bg-sunken hover:bg-line"
              onClick={() => setMarked(bar.name)}
            >
              {bar.segments.map((segment) => (
                <div
                  key={`${segment.phase} ${segment.from}`}
                  title={`${t(`phase.${segment.phase}`)} ${formatDuration((segment.to - segment.from) / 1_000)}`}
                  className={clsx(
                    "absolute inset-y-0.5 min-w-px first:rounded-l last:rounded-r",
                    COLOURS[segment.phase],
                  )}
                  style={{
                    left: share(segment.from),
                    width: `${(100 * (segment.to - segment.from)) / (last - first)}%`,
                  }}
                />
              ))}
              {bar.critical ? (
                <div
                  aria-hidden
                  className="pointer-events-none absolute inset-y-0 rounded border-2 border-accent"
                  style={{
                    left: share(bar.segments[0]?.from ?? first),
                    right: `calc(100% - ${share(bar.segments.at(-1)?.to ?? last)})`,
                  }}
                />
              ) : null}
            </button>
          </div>
        ))}
      </div>
      {bars.length ? (
        <PhaseTable bars={bars} marked={marked} onShow={onShow} />
      ) : (
        <p className="text-ink-soft">{t("nothingRan")}</p>
      )}
    </div>
  );
}

interface PhaseTableProps {
  bars: ReturnType<typeof barsOf>;
  /** The node whose bar was clicked. */
  marked: string | undefined;
  onShow: (node: string) => void;
}

function PhaseTable({ bars, marked, onShow }: PhaseTableProps) {
  const { t } = useTranslation("runs");
  const row = useRef<HTMLTableRowElement>(null);
  useEffect(() => {
    if (marked !== undefined) row.current?.scrollIntoView({ block: "nearest" });
  }, [marked]);
  return (
    <table className="mt-6 w-full max-w-3xl text-left">
      <thead className="text-ink-faint text-xs">
        <tr className="[&>th]:py-1 [&>th]:font-normal">
          <th>{t("column.node")}</th>
          {PHASES.map((phase) => (
            <th key={phase}>{t(`phase.${phase}`)}</th>
          ))}
        </tr>
      </thead>
      <tbody>
        {bars.map((bar) => (
          <tr
            key={bar.name}
            ref={bar.name === marked ? row : undefined}
            aria-current={bar.name === marked}
            className="border-line border-t aria-[current=true]:bg-accent-soft [&>td]:py-1"
          >
            <td>
              <button type="button" className="hover:underline" onClick={() => onShow(bar.name)}>
                {bar.name}
              </button>
            </td>
            {PHASES.map((phase) => (
              <td key={phase} className="tabular-nums">
                {formatDuration(
                  bar.segments
                    .filter((segment) => segment.phase === phase)
                    .reduce((sum, segment) => sum + segment.to - segment.from, 0) / 1_000,
                )}
              </td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function useNow(ticks: boolean): number {
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    if (!ticks) return undefined;
    const timer = window.setInterval(() => setNow(Date.now()), 1_000);
    return () => window.clearInterval(timer);
  }, [ticks]);
  return now;
}
