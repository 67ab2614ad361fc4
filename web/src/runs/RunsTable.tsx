/** Runs, newest first; of one workflow also its nodes, one column each, coloured by state. */

import { useInfiniteQuery, useQueries } from "@tanstack/react-query";
import { CornerDownRight } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Link, useNavigate } from "react-router";
import { api, data, type Schema } from "@/api/client";
import { formatDuration, formatMoment } from "@/i18n/format";
import { sentenceOf } from "@/i18n/said";
import { type Run, type RunDetail, runEnded, runQuery } from "@/live/run";
import { Button } from "@/ui/Button";
import { Empty } from "@/ui/Empty";
import { ProblemNote } from "@/ui/ProblemNote";
import { Skeleton } from "@/ui/Skeleton";
import { type State, StateBadge, StateIcon } from "@/ui/StateBadge";

const PAGE = 30;

interface RunsTableProps {
  workflow?: string;
  sweep?: string;
  states: readonly Schema<"RunState">[];
}

function useRuns({ workflow, sweep, states }: RunsTableProps) {
  return useInfiniteQuery({
    queryKey: ["runs", "table", workflow ?? "", sweep ?? "", states],
    queryFn: ({ pageParam }) =>
      data(
        api.GET("/api/v1/runs", {
          params: {
            query: {
              limit: PAGE,
              ...(workflow ? { workflow } : {}),
              ...(sweep ? { sweep } : {}),
              ...(states.length ? { state: [...states] } : {}),
              ...(pageParam ? { cursor: pageParam } : {}),
            },
          },
        }),
      ),
    initialPageParam: "",
    getNextPageParam: (page) => page.next_cursor ?? undefined,
    refetchInterval: 3_000,
  });
}

export function RunsTable(props: RunsTableProps) {
  const { t } = useTranslation("runs");
  const navigate = useNavigate();
  const list = useRuns(props);
  const [chosen, setChosen] = useState<readonly string[]>([]);
  const runs = list.data?.pages.flatMap((page) => page.items);
  const details = useDetails(props.workflow ? (runs ?? []) : []);
  const columns = [...new Set(details.flatMap((run) => run?.nodes.map((node) => node.name) ?? []))];
  const [one, other] = chosen;
  if (list.isError) return <ProblemNote problem={list.error} />;
  if (!runs) return <Skeleton className="h-64" />;
  if (!runs.length) return <Empty title={t("none")} />;
  return (
    <>
      <div className="flex h-8 items-center gap-2">
        <Button
          disabled={!one || !other}
          onClick={() => void navigate(`/runs/${other}?tab=compare&with=${one}`)}
        >
          {t("compare.two")}
        </Button>
        <span className="text-ink-faint text-xs">{t("compare.choose")}</span>
      </div>
      <div className="overflow-auto rounded-lg border border-line bg-surface">
        <table className="w-full text-left">
          <thead className="text-ink-faint text-xs">
            <tr className="max-lg:[&>th]:px-2 [&>th]:px-3 [&>th]:py-2 [&>th]:font-normal">
              <th className="w-8">
                <span className="sr-only">{t("compare.two")}</span>
              </th>
              <th>{t("column.run")}</th>
              {props.workflow ? null : <th>{t("column.workflow")}</th>}
              <th>{t("column.state")}</th>
              {columns.map((name) => (
                <th key={name} className="max-w-8 px-1! align-bottom">
                  <span className="block max-h-28 overflow-hidden [text-orientation:mixed] [writing-mode:vertical-rl]">
                    {name}
                  </span>
                </th>
              ))}
              <th>{t("column.trigger")}</th>
              <th>{t("column.started")}</th>
              <th>{t("column.took")}</th>
              <th>{t("column.owner")}</th>
            </tr>
          </thead>
          <tbody>
            {runs.map((run, at) => (
              <tr
                key={run.id}
                className="border-line border-t hover:bg-sunken max-lg:[&>td]:px-2 [&>td]:px-3 [&>td]:py-1.5"
              >
                <td>
                  <input
                    type="checkbox"
                    className="size-4 align-middle accent-(--accent)"
                    aria-label={t("compare.pick", { run: titleOf(run) })}
                    checked={chosen.includes(run.id)}
                    onChange={() =>
                      setChosen((now) =>
                        now.includes(run.id) ? now.filter((id) => id !== run.id) : [...now.slice(-1), run.id],
                      )
                    }
                  />
                </td>
                <td className="whitespace-nowrap">
                  <Link to={`/runs/${run.id}`} className="font-medium text-accent hover:underline">
                    {titleOf(run)}
                  </Link>
                  {run.again_of ? (
                    <CornerDownRight aria-hidden className="ml-1 inline size-3.5 text-ink-faint" />
                  ) : null}
                </td>
                {props.workflow ? null : (
                  <td className="max-w-64 truncate">
                    {run.workflow ? (
                      <Link to={`/workflows/${run.workflow}`} className="hover:underline">
                        {run.workflow_name}
                      </Link>
                    ) : (
                      <span className="text-ink-faint">{t("adHoc")}</span>
                    )}
                  </td>
                )}
                <td title={sentenceOf(run)}>
                  <StateBadge state={run.state as State} />
                </td>
                {columns.map((name) => (
                  <Cell
                    key={name}
                    node={details[at]?.nodes.find((node) => node.name === name)}
                    run={run.id}
                  />
                ))}
                <td className="text-ink-soft">{t(`trigger.${run.trigger}`)}</td>
                <td className="whitespace-nowrap text-ink-soft">{formatMoment(run.created_at)}</td>
                <td className="whitespace-nowrap text-ink-soft tabular-nums">{took(run)}</td>
                <td className="text-ink-soft">{run.owner}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {list.hasNextPage ? (
        <Button
          className="self-center"
          disabled={list.isFetchingNextPage}
          onClick={() => void list.fetchNextPage()}
        >
          {t("more")}
        </Button>
      ) : null}
    </>
  );
}

/** Runs with their nodes; one that has ended is read once. */
function useDetails(runs: readonly Run[]) {
  return useQueries({
    queries: runs.map((run) => ({
      ...runQuery(run.id),
      staleTime: runEnded(run) ? 60_000 : 2_000,
      refetchInterval: (query: { state: { data?: RunDetail | undefined } }) =>
        runEnded(run) && query.state.data?.state === run.state ? (false as const) : 3_000,
    })),
    combine: (results) => results.map((result) => result.data),
  });
}

function Cell({ node, run }: { node: Schema<"NodeRun"> | undefined; run: string }) {
  const { t } = useTranslation(["runs", "common"]);
  if (!node) return <td className="px-1!" />;
  const text = `${node.name}: ${t(`common:state.${node.state}`)}${sentenceOf(node) ? ` · ${sentenceOf(node)}` : ""}`;
  return (
    <td className="px-1!">
      <Link
        to={`/runs/${run}?node=${encodeURIComponent(node.name)}`}
        aria-label={text}
        title={text}
        className="relative grid size-6 place-items-center rounded hover:bg-raised"
      >
        <StateIcon state={node.unreachable ? "unreachable" : node.state} />
        {node.attempts > 1 ? (
          <span className="absolute -right-1 -bottom-1 rounded-full bg-raised px-1 text-[10px] leading-3">
            {node.attempts}
          </span>
        ) : null}
      </Link>
    </td>
  );
}

export function titleOf(run: Pick<Run, "id" | "name" | "number">): string {
  const number = run.number ? `#${run.number}` : run.id.slice(0, 8);
  return run.name ? `${number} ${run.name}` : number;
}

export function took(run: Pick<Run, "started_at" | "finished_at">): string {
  if (!run.started_at || !run.finished_at) return "";
  return formatDuration((Date.parse(run.finished_at) - Date.parse(run.started_at)) / 1_000);
}
