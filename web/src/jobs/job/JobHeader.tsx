/** A job's name and state, and what can be done to it. */
import { Ban, ChevronRight, FileCode2, RotateCw, Trash2 } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Link, useNavigate } from "react-router";
import { formatMoment } from "@/i18n/format";
import { Button, IconButton } from "@/ui/Button";
import { Dialog } from "@/ui/Dialog";
import { StateBadge } from "@/ui/StateBadge";
import { toast, toastProblem } from "@/ui/toast";
import { RunTime } from "../JobsTable";
import { cancelJob, deleteJob, hasEnded, type Job, runAgain, stateOf, useJobAction } from "../queries";
import { Standing } from "../Standing";
import { CopyAs } from "./CopyAs";

export function JobHeader({ job, onScript }: { job: Job; onScript: () => void }) {
  const { t } = useTranslation("jobs");
  const navigate = useNavigate();
  const [asked, setAsked] = useState<"cancel" | "delete">();
  const again = useJobAction(runAgain);
  const ended = hasEnded(job);
  return (
    <header>
      <nav aria-label={t("breadcrumb")} className="mb-1 flex items-center gap-1 text-ink-faint text-xs">
        <Link to="/jobs" className="hover:underline">
          {t("title")}
        </Link>
        <ChevronRight aria-hidden className="size-3.5" />
        <span className="font-mono">{job.id.slice(0, 8)}</span>
      </nav>
      <div className="flex flex-wrap items-center gap-x-4 gap-y-2">
        <h1 className="min-w-0 truncate font-semibold text-lg">{job.name}</h1>
        <StateBadge state={stateOf(job)} className="text-sm" />
        <div className="ml-auto flex flex-wrap items-center gap-2">
          <IconButton kind="plain" label={t("script.open")} onClick={onScript}>
            <FileCode2 aria-hidden className="size-4" />
          </IconButton>
          <CopyAs job={job} />
          <Button
            disabled={again.isPending}
            onClick={() =>
              again.mutate(job.id, {
                onSuccess: (made) => {
                  toast(t("againDone"));
                  void navigate(`/jobs/${made.id}`);
                },
                onError: toastProblem,
              })
            }
          >
            <RotateCw aria-hidden className="size-4" />
            {t("again")}
          </Button>
          {ended ? (
            <Button kind="danger" onClick={() => setAsked("delete")}>
              <Trash2 aria-hidden className="size-4" />
              {t("delete")}
            </Button>
          ) : (
            <Button kind="danger" disabled={job.cancel_requested} onClick={() => setAsked("cancel")}>
              <Ban aria-hidden className="size-4" />
              {job.cancel_requested ? t("cancelling") : t("cancel")}
            </Button>
          )}
        </div>
      </div>
      <Facts job={job} />
      {job.state === "failed" ? null : <Standing job={job} className="mt-1 whitespace-normal!" />}
      {asked ? <Sure key={asked} verb={asked} job={job} onClose={() => setAsked(undefined)} /> : null}
    </header>
  );
}

function Facts({ job }: { job: Job }) {
  const { t } = useTranslation("jobs");
  return (
    <p className="mt-1 flex flex-wrap gap-x-4 gap-y-1 text-ink-soft">
      <span>{t("fact.owner", { owner: job.owner })}</span>
      <span>{t("fact.created", { at: formatMoment(job.created_at) })}</span>
      {job.worker ? <span>{t("fact.worker", { worker: job.worker })}</span> : null}
      {job.started_at ? (
        <span>
          {t("fact.ran")} <RunTime job={job} />
        </span>
      ) : null}
      {job.exit_code === null || job.exit_code === undefined ? null : (
        <span>{t("fact.exit", { code: job.exit_code })}</span>
      )}
      {job.run_again_of ? (
        <Link to={`/jobs/${job.run_again_of}`} className="text-accent hover:underline">
          {t("fact.againOf", { id: job.run_again_of.slice(0, 8) })}
        </Link>
      ) : null}
      {job.run ? (
        <Link to={`/runs/${job.run}`} className="text-accent hover:underline">
          {t("fact.node", { node: job.node })}
        </Link>
      ) : null}
    </p>
  );
}

interface SureProps {
  verb: "cancel" | "delete";
  job: Job;
  onClose: () => void;
}

/** Asks before something that can't be undone, and says what will happen. */
function Sure({ verb, job, onClose }: SureProps) {
  const { t } = useTranslation("jobs");
  const { t: tc } = useTranslation();
  const navigate = useNavigate();
  const act = useJobAction<unknown>(verb === "cancel" ? cancelJob : deleteJob);
  const hint =
    verb === "delete"
      ? t("sure.deleteHint")
      : job.state === "running"
        ? t("sure.cancelHint", { seconds: job.spec.grace_seconds })
        : t("sure.cancelEarly");
  return (
    <Dialog
      open
      onClose={onClose}
      title={t(`sure.${verb}`, { name: job.name })}
      actions={
        <>
          <Button onClick={onClose}>{tc("action.back")}</Button>
          <Button
            kind="danger"
            disabled={act.isPending}
            onClick={() =>
              act.mutate(job.id, {
                onSuccess: () => {
                  onClose();
                  if (verb === "delete") void navigate("/jobs");
                },
                onError: (problem) => {
                  onClose();
                  toastProblem(problem);
                },
              })
            }
          >
            {t(verb)}
          </Button>
        </>
      }
    >
      {hint}
    </Dialog>
  );
}
