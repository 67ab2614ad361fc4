/** What the editor and the view of a run take from other features. */
import { useQuery } from "@tanstack/react-query";
import { lazy, Suspense } from "react";
import type { RenderJob } from "@/canvas/Dock";
import type { FieldsProps, RenderFields } from "@/canvas/panel/Panel";
import type { JobDraft } from "@/fields/draft";
import { ProgramFields, ResourceGroup } from "@/fields/JobFields";
import type { JobFieldProps } from "@/fields/props";
import { Artifacts } from "@/jobs/job/Artifacts";
import { hasEnded, jobQuery, useLiveJob } from "@/jobs/queries";
import { LogViewer } from "@/logs/LogViewer";
import { Skeleton } from "@/ui/Skeleton";
import { LogHeading } from "./LogHeading";

type Value = Parameters<FieldsProps["onChange"]>[1];

export const renderFields: RenderFields = ({ group, value, onChange, problems, aside, keepAs, readOnly }) => {
  const given: JobFieldProps = {
    value: value as JobDraft,
    onChange: (path, next) => onChange(path.split("."), next as Value),
    problems,
    allowReferences: true,
    disabled: readOnly,
    aside,
    keepAs,
  };
  return group === "program" ? <ProgramFields {...given} /> : <ResourceGroup {...given} />;
};

export const renderJob: RenderJob = (job, part, log) => {
  if (part === "logs") {
    const heading = <LogHeading id={job} />;
    return <LogViewer jobId={job} initial={log} heading={heading} className="min-h-0 flex-1" />;
  }
  if (part === "outputs") return <Outputs id={job} />;
  return <Charts id={job} />;
};

function Outputs({ id }: { id: string }) {
  const { data: job } = useQuery(jobQuery(id));
  useLiveJob(id, job ? hasEnded(job) : undefined);
  return job ? <Artifacts job={job} attempt={job.attempt} /> : <Skeleton className="m-4 h-24" />;
}

/** Drawn when first looked at: what draws curves is not small. */
const JobCharts = lazy(async () => ({ default: (await import("@/charts/JobCharts")).JobCharts }));

function Charts({ id }: { id: string }) {
  const { data: job } = useQuery(jobQuery(id));
  useLiveJob(id, job ? hasEnded(job) : undefined);
  if (!job) return <Skeleton className="m-4 h-24" />;
  return (
    <Suspense fallback={<Skeleton className="m-4 h-24" />}>
      <JobCharts jobId={id} attempt={job.attempt} live={!hasEnded(job)} />
    </Suspense>
  );
}
