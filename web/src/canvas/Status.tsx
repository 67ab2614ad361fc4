/** How a node stands, in words: its state and why, its times, its tries. */
import { useQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { api, data } from "@/api/client";
import { formatList, formatMoment } from "@/i18n/format";
import { nodeOpen } from "@/live/run";
import { Button } from "@/ui/Button";
import { type State, StateBadge } from "@/ui/StateBadge";
import type { Look } from "./board";
import { useEditorParts } from "./context";
import type { GraphNode } from "./model/graph";
import { Elapsed } from "./nodes/Elapsed";
import { WhyRan } from "./WhyRan";

export function Status({ node, look }: { node: GraphNode; look: Look }) {
  const { t } = useTranslation(["canvas", "common"]);
  const { host } = useEditorParts();
  return (
    <div className="min-h-0 flex-1 space-y-4 overflow-auto p-4">
      <div className="flex flex-wrap items-start gap-x-8 gap-y-2">
        <Fact label={t("status.state")}>
          <StateBadge state={look.state} />
        </Fact>
        {look.startedAt ? (
          <>
            <Fact label={t("status.started")}>{formatMoment(look.startedAt)}</Fact>
            <Fact label={t("status.took")}>
              <Elapsed from={look.startedAt} to={look.finishedAt} />
            </Fact>
          </>
        ) : null}
        {look.position ? <Fact label={t("status.position")}>{look.position}</Fact> : null}
        {look.run ? (
          <Fact label={t("status.run")}>
            <Link className="text-accent underline" to={`/runs/${look.run}`}>
              {t("status.openRun")}
            </Link>
          </Fact>
        ) : null}
        {look.reusedFrom ? (
          <Fact label={t("status.reusedFrom")}>
            <Link className="text-accent underline" to={`/runs/${look.reusedFrom}`}>
              {t("status.openRun")}
            </Link>
          </Fact>
        ) : null}
        {look.job ? (
          <Fact label={t("status.job")}>
            <Link className="text-accent underline" to={`/jobs/${look.job}`}>
              {t("status.openJob")}
            </Link>
          </Fact>
        ) : null}
        {nodeOpen(look.state) ? (
          <Button kind="danger" className="ml-auto" onClick={() => host.stopNode(node.name)}>
            {t("action.stop")}
          </Button>
        ) : null}
      </div>
      {look.sentence ? <p className={look.state === "failed" ? "text-danger" : ""}>{look.sentence}</p> : null}
      {look.staleBecause.length ? (
        <p className="text-state-stale">{t("node.staleBecause", { what: formatList(look.staleBecause) })}</p>
      ) : null}
      {look.reason ? (
        <p className="text-ink-faint text-xs">{t("common:problem.code", { code: look.reason })}</p>
      ) : null}
      {look.problems.map((problem) => (
        <p key={`${problem.field} ${problem.code}`} className="text-danger">
          {problem.message}
        </p>
      ))}
      {look.run && look.attempts > 1 ? <Attempts run={look.run} node={node.name} /> : null}
      {look.run ? <WhyRan run={look.run} node={node.name} state={look.state} /> : null}
    </div>
  );
}

function Fact({ label, children }: { label: string; children: ReactNode }) {
  return (
    <div>
      <div className="text-ink-faint text-xs">{label}</div>
      <div>{children}</div>
    </div>
  );
}

function Attempts({ run, node }: { run: string; node: string }) {
  const { t } = useTranslation(["canvas", "common"]);
  const { data: attempts } = useQuery({
    queryKey: ["run", run, "attempts", node],
    queryFn: () =>
      data(
        api.GET("/api/v1/runs/{run_id}/nodes/{name}/attempts", {
          params: { path: { run_id: run, name: node } },
        }),
      ),
  });
  return (
    <table className="w-full max-w-2xl text-left">
      <caption className="pb-1 text-left font-medium">{t("status.attempts")}</caption>
      <tbody>
        {attempts?.map((attempt) => (
          <tr key={attempt.number} className="border-line border-t">
            <td className="py-1 pr-4 tabular-nums">{attempt.number}</td>
            <td className="pr-4">
              <StateBadge state={attempt.state as State} />
            </td>
            <td className="pr-4">{attempt.started_at ? formatMoment(attempt.started_at) : null}</td>
            <td className="pr-4">
              {attempt.started_at ? (
                <Elapsed from={attempt.started_at} to={attempt.finished_at ?? undefined} />
              ) : null}
            </td>
            <td>
              <Link className="text-accent underline" to={`/jobs/${attempt.job}`}>
                {t("status.openJob")}
              </Link>
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
