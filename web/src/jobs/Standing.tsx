/** A job's standing in one line: why it waits, how far its files are, how it ended. */

import { useTranslation } from "react-i18next";
import { formatBytes, formatDuration } from "@/i18n/format";
import { sentenceOf, waitOf } from "@/i18n/said";
import { JobProgress } from "@/live/JobProgress";
import type { Job } from "./queries";

export function Standing({ job, className = "" }: { job: Job; className?: string }) {
  const { t } = useTranslation("jobs");
  const line = `min-w-0 truncate text-ink-soft text-xs ${className}`;
  if (job.state === "queued" && job.waiting)
    return (
      <p className={line} title={waitOf(job.waiting)}>
        {t("waiting", { position: job.waiting.position, why: waitOf(job.waiting) })}
      </p>
    );
  if (job.state === "staging" && job.progress) return <StagingBar progress={job.progress} />;
  if (job.cancel_requested && !job.finished_at) return <p className={line}>{t("cancelling")}</p>;
  if (job.unreachable && !job.finished_at) return <p className={line}>{t("unreachable")}</p>;
  if (job.state === "running") return <JobProgress jobId={job.id} running />;
  if (job.state === "failed" && job.sentence)
    return (
      <p className={line} title={sentenceOf(job)}>
        {sentenceOf(job)}
      </p>
    );
  return null;
}

function StagingBar({ progress }: { progress: NonNullable<Job["progress"]> }) {
  const { t } = useTranslation("jobs");
  const share = progress.bytes_total ? progress.bytes_done / progress.bytes_total : 0;
  const left = progress.seconds_left;
  return (
    <div className="flex items-center gap-2 text-ink-soft text-xs">
      <div
        role="progressbar"
        aria-label={t("fetching")}
        aria-valuenow={Math.round(share * 100)}
        className="h-1 w-32 overflow-hidden rounded bg-line"
      >
        <div className="h-full bg-state-staging" style={{ width: `${share * 100}%` }} />
      </div>
      <span className="truncate">
        {t("fetched", { done: formatBytes(progress.bytes_done), total: formatBytes(progress.bytes_total) })}
        {left === null || left === undefined ? "" : ` · ${t("left", { time: formatDuration(left) })}`}
      </span>
    </div>
  );
}
