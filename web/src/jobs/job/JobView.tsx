/**
 * A job's page. The log viewer is another feature: whoever composes the page hands it in, and shows it for
 * the attempt that is chosen.
 */
import { useQuery } from "@tanstack/react-query";
import { type ReactNode, useState } from "react";
import { useTranslation } from "react-i18next";
import { Link, useSearchParams } from "react-router";
import { ApiProblem } from "@/api/client";
import { Empty } from "@/ui/Empty";
import { ProblemNote } from "@/ui/ProblemNote";
import { Skeleton } from "@/ui/Skeleton";
import { Tabs } from "@/ui/Tabs";
import { useTitle } from "@/ui/useTitle";
import { type Attempt, attemptsQuery, hasEnded, type Job, jobQuery, useLiveJob } from "../queries";
import { Artifacts } from "./Artifacts";
import { Attempts } from "./Attempts";
import { FailureCard } from "./FailureCard";
import { JobHeader } from "./JobHeader";
import { type Place, ScriptDialog } from "./ScriptDialog";
import { Specification } from "./Specification";
import { Timeline } from "./Timeline";

export interface LogSlot {
  job: Job;
  /** The attempt whose logs are wanted. */
  attempt: number;
}

const TABS = ["logs", "artifacts", "specification", "attempts"] as const;
type Tab = (typeof TABS)[number];

interface JobViewProps {
  id: string;
  logs: (slot: LogSlot) => ReactNode;
  /** Further tabs, such as curves: what they show for a job. */
  more?: readonly { id: string; label: string; content: (slot: LogSlot) => ReactNode }[];
}

export function JobView({ id, logs, more = [] }: JobViewProps) {
  const { t } = useTranslation("jobs");
  const { data: job, error } = useQuery(jobQuery(id));
  useTitle(job?.name);
  const { data: attempts } = useQuery(attemptsQuery(id));
  useLiveJob(id, job && hasEnded(job));
  const [params, setParams] = useSearchParams();
  const [place, setPlace] = useState<Place>();
  if (!job && error instanceof ApiProblem && error.status === 404)
    return (
      <Empty title={t("gone")}>
        <Link to="/jobs" className="text-accent underline">
          {t("toJobs")}
        </Link>
      </Empty>
    );
  if (!job) return error ? <ProblemNote problem={error} className="m-6" /> : <JobSkeleton />;

  const wanted = Number(params.get("attempt") ?? job.attempt);
  const attempt = attempts?.find(({ number }) => number === wanted);
  const slot = { job, attempt: wanted };
  const set = (name: string, value: string | undefined) =>
    setParams(
      (now) => {
        const next = new URLSearchParams(now);
        if (value === undefined) next.delete(name);
        else next.set(name, value);
        return next;
      },
      { replace: true },
    );
  const known = [...TABS, ...more.map((tab) => tab.id)];
  const tab = known.find((one) => one === params.get("tab")) ?? "logs";
  const labels: Record<Tab, string> = {
    logs: t("tab.logs"),
    artifacts: t("tab.artifacts"),
    specification: t("tab.specification"),
    attempts: t("tab.attempts", { count: attempts?.length ?? job.attempt }),
  };
  return (
    <div className="flex flex-col gap-4 px-6 py-5">
      <JobHeader job={job} onScript={() => setPlace({ file: job.spec.script.name })} />
      {error ? <ProblemNote problem={error} /> : null}
      <FailureCard job={job} attempt={attempt} onOpen={setPlace} />
      {attempt ? <Timeline attempt={attempt} /> : null}
      <div className="flex h-[max(26rem,calc(100dvh-15rem))] shrink-0 flex-col overflow-hidden rounded-lg border border-line bg-surface">
        <Tabs
          label={t("tab.label")}
          value={tab}
          onChange={(one) => set("tab", one === "logs" ? undefined : one)}
          tabs={[...TABS.map((one) => ({ id: one as string, label: labels[one] })), ...more]}
          aside={
            <AttemptChoice
              attempts={attempts ?? []}
              chosen={wanted}
              onChoose={(number) => set("attempt", number === job.attempt ? undefined : String(number))}
            />
          }
        >
          {tab === "logs" ? logs(slot) : null}
          {tab === "artifacts" ? <Artifacts job={job} attempt={wanted} /> : null}
          {tab === "specification" ? <Specification job={job} onOpen={setPlace} /> : null}
          {tab === "attempts" ? (
            <Attempts
              attempts={attempts ?? []}
              chosen={wanted}
              onChoose={(number) => set("attempt", String(number))}
            />
          ) : null}
          {more.find((one) => one.id === tab)?.content(slot)}
        </Tabs>
      </div>
      {place ? <ScriptDialog job={job} place={place} onClose={() => setPlace(undefined)} /> : null}
    </div>
  );
}

interface ChoiceProps {
  attempts: readonly Attempt[];
  chosen: number;
  onChoose: (number: number) => void;
}

/** Which attempt the page shows; nothing to choose with only one. */
function AttemptChoice({ attempts, chosen, onChoose }: ChoiceProps) {
  const { t } = useTranslation("jobs");
  if (attempts.length < 2) return null;
  return (
    <label className="flex items-center gap-1.5 text-ink-soft text-xs">
      {t("attempt.shown")}
      <select
        className="h-6 rounded border border-line-strong bg-surface px-1 text-ink"
        value={chosen}
        onChange={(event) => onChoose(Number(event.target.value))}
      >
        {attempts.map(({ number }) => (
          <option key={number} value={number}>
            {t("attempt.of", { number, count: attempts.length })}
          </option>
        ))}
      </select>
    </label>
  );
}

function JobSkeleton() {
  return (
    <div className="space-y-4 px-6 py-5">
      <Skeleton className="h-9 w-96" />
      <Skeleton className="h-14" />
      <Skeleton className="h-96" />
    </div>
  );
}
