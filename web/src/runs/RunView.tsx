/** One run: what it was, and its frozen graph, time line and comparison under tabs. */

import { useMutation, useQueryClient } from "@tanstack/react-query";
import { CopyPlus, RefreshCw, RotateCcw, Square } from "lucide-react";
import { type ReactNode, useState } from "react";
import { useTranslation } from "react-i18next";
import { Link, useNavigate, useSearchParams } from "react-router";
import { body } from "@/api/body";
import { api, data, type Schema } from "@/api/client";
import { formatMoment } from "@/i18n/format";
import { sentenceOf } from "@/i18n/said";
import { type RunDetail, runEnded, useRun } from "@/live/run";
import { Button } from "@/ui/Button";
import { ProblemNote } from "@/ui/ProblemNote";
import { Skeleton } from "@/ui/Skeleton";
import { type State, StateBadge } from "@/ui/StateBadge";
import { Tabs } from "@/ui/Tabs";
import { toastProblem } from "@/ui/toast";
import { useTitle } from "@/ui/useTitle";
import { Compare } from "./Compare";
import { Gantt } from "./Gantt";
import { Outline } from "./Outline";
import { titleOf, took } from "./RunsTable";

interface RunSlots {
  /** Draws the frozen graph, with what the chosen node left. */
  graph: (
    run: RunDetail,
    chosen: string | undefined,
    onChoose: (node: string | undefined) => void,
  ) => ReactNode;
  resume: (run: RunDetail, onClose: () => void) => ReactNode;
}

type RunTab = "graph" | "timeline" | "compare";
const TABS: readonly RunTab[] = ["graph", "timeline", "compare"];

export function RunView({ id, ...slots }: RunSlots & { id: string }) {
  const query = useRun(id);
  if (query.isError) return <ProblemNote problem={query.error} className="m-6" />;
  if (!query.data) return <Skeleton className="m-6 h-64" />;
  return <Shown run={query.data} {...slots} />;
}

function Shown({ run, graph, resume }: RunSlots & { run: RunDetail }) {
  const { t } = useTranslation("runs");
  useTitle(`${run.workflow_name ?? ""} ${titleOf(run)}`.trim());
  const [search, setSearch] = useSearchParams();
  const [resuming, setResuming] = useState(false);
  const tab = TABS.find((one) => one === search.get("tab")) ?? "graph";
  const chosen = search.get("node") ?? undefined;
  const set = (part: Record<string, string | undefined>) =>
    setSearch(
      (now) => {
        for (const [key, value] of Object.entries(part)) {
          if (value) now.set(key, value);
          else now.delete(key);
        }
        return now;
      },
      { replace: true },
    );
  return (
    <div className="flex h-full flex-col">
      <Head run={run} onResume={() => setResuming(true)} />
      <Tabs
        label={t("tabs.label")}
        tabs={TABS.map((one) => ({ id: one, label: t(`tabs.${one}`) }))}
        value={tab}
        onChange={(next) => set({ tab: next })}
      >
        {tab === "graph" ? (
          <div className="flex min-h-0 flex-1">
            <Outline run={run} chosen={chosen} onChoose={(node) => set({ node })} />
            {graph(run, chosen, (node) => set({ node }))}
          </div>
        ) : tab === "timeline" ? (
          <Gantt run={run} onShow={(node) => set({ tab: "graph", node })} />
        ) : (
          <Compare run={run} other={search.get("with") ?? undefined} onOther={(id) => set({ with: id })} />
        )}
      </Tabs>
      {resuming ? resume(run, () => setResuming(false)) : null}
    </div>
  );
}

function Head({ run, onResume }: { run: RunDetail; onResume: () => void }) {
  const { t } = useTranslation("runs");
  const actions = useActions(run);
  const going = !runEnded(run);
  const values = Object.entries(run.parameters);
  return (
    <header className="border-line border-b bg-surface px-4 py-2">
      <div className="flex flex-wrap items-center gap-x-3 gap-y-1">
        <h1 className="font-semibold text-base">
          {run.workflow ? (
            <Link to={`/workflows/${run.workflow}`} className="text-accent hover:underline">
              {run.workflow_name}
            </Link>
          ) : (
            t("adHoc")
          )}{" "}
          {titleOf(run)}
        </h1>
        <StateBadge state={run.state as State} />
        <span className="min-w-80 flex-1 text-ink-soft" aria-live="polite">
          {sentenceOf(run)}
        </span>
        <div className="ml-auto flex gap-2">
          {going ? (
            <Button kind="danger" disabled={run.stop_requested} onClick={() => actions.stop.mutate()}>
              <Square aria-hidden className="size-3.5 fill-current" />
              {t("action.stop")}
            </Button>
          ) : null}
          <Button onClick={onResume}>
            <RotateCcw aria-hidden className="size-4" />
            {t("action.resume")}
          </Button>
          <Button disabled={actions.again.isPending} onClick={() => actions.again.mutate()}>
            <RefreshCw aria-hidden className="size-4" />
            {t("action.again")}
          </Button>
          <Button disabled={actions.clone.isPending} onClick={() => actions.clone.mutate()}>
            <CopyPlus aria-hidden className="size-4" />
            {t("action.clone")}
          </Button>
        </div>
      </div>
      <div className="mt-0.5 flex flex-wrap gap-x-4 text-ink-faint text-xs">
        <span>{t(`trigger.${run.trigger}`)}</span>
        <span>{formatMoment(run.created_at)}</span>
        {took(run) ? <span>{took(run)}</span> : null}
        {run.version ? <span>{t("version", { number: run.version })}</span> : null}
        <span>{run.owner}</span>
        {run.again_of ? (
          <Link className="text-accent underline" to={`/runs/${run.again_of}`}>
            {t("againOf")}
          </Link>
        ) : null}
        {values.length ? (
          <span className="font-mono">
            {values.map(([name, value]) => `${name}=${String(value)}`).join("  ")}
          </span>
        ) : null}
      </div>
    </header>
  );
}

/** Where things stand is no part of a run: today's places serve, as far as they are known. */
async function layoutOf(run: RunDetail): Promise<Schema<"Layout"> | undefined> {
  if (!run.workflow) return undefined;
  const path = { params: { path: { workflow_id: run.workflow } } };
  const { layout } = await data(api.GET("/api/v1/workflows/{workflow_id}", path));
  const names = new Set(run.nodes.map((node) => node.name));
  const known = Object.entries(layout.positions ?? {}).filter(([name]) => names.has(name));
  return known.length === names.size ? { ...layout, positions: Object.fromEntries(known) } : undefined;
}

function useActions(run: RunDetail) {
  const { t } = useTranslation("runs");
  const queries = useQueryClient();
  const navigate = useNavigate();
  const path = { params: { path: { run_id: run.id } } };
  const stop = useMutation({
    mutationFn: () => data(api.POST("/api/v1/runs/{run_id}/stop", path)),
    onSuccess: () => queries.invalidateQueries({ queryKey: ["run", run.id] }),
    onError: toastProblem,
  });
  const again = useMutation({
    mutationFn: () =>
      data(
        api.POST("/api/v1/runs/{run_id}/run-again", {
          ...path,
          body: body({}),
          headers: { "Idempotency-Key": crypto.randomUUID() },
        }),
      ),
    onSuccess: (made) => {
      void queries.invalidateQueries({ queryKey: ["runs"] });
      void navigate(`/runs/${made.id}`);
    },
    onError: toastProblem,
  });
  const clone = useMutation({
    mutationFn: async () => {
      const layout = await layoutOf(run);
      return data(
        api.POST("/api/v1/workflows", {
          body: body({
            name: t("cloneName", { name: run.workflow_name ?? t("adHoc"), run: titleOf(run) }),
            graph: run.graph,
            ...(layout ? { layout } : {}),
          }),
          headers: { "Idempotency-Key": crypto.randomUUID() },
        }),
      );
    },
    onSuccess: (made) => navigate(`/workflows/${made.id}`),
    onError: toastProblem,
  });
  return { stop, again, clone };
}
