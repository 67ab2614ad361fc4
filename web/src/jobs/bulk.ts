/** The same done to many jobs, a few at a time, and what came of it. */
import { ApiProblem } from "@/api/client";
import { cancelJob, deleteJob, hasEnded, type Job, runAgain } from "./queries";

export const VERBS = ["cancel", "again", "delete"] as const;
export type Verb = (typeof VERBS)[number];

export interface Summary {
  verb: Verb;
  done: Job[];
  /** Nothing had to be done, or could be: ended already, or not yet. */
  skipped: Job[];
  failed: { job: Job; problem: Error }[];
}

const ACTS: Record<Verb, (id: string) => Promise<unknown>> = {
  cancel: cancelJob,
  again: runAgain,
  delete: deleteJob,
};
/** Answers that say that the job's state is another by now. */
const PASSED_BY = new Set(["job_ended", "job_not_ended", "job_not_found"]);
const AT_ONCE = 6;

export function applies(verb: Verb, job: Job): boolean {
  if (verb === "again") return true;
  return verb === "delete" ? hasEnded(job) : !hasEnded(job) && !job.cancel_requested;
}

export async function doAll(verb: Verb, jobs: readonly Job[]): Promise<Summary> {
  const summary: Summary = {
    verb,
    done: [],
    skipped: jobs.filter((job) => !applies(verb, job)),
    failed: [],
  };
  const waiting = jobs.filter((job) => applies(verb, job));
  const work = async () => {
    for (let job = waiting.shift(); job; job = waiting.shift()) {
      try {
        await ACTS[verb](job.id);
        summary.done.push(job);
      } catch (problem) {
        if (problem instanceof ApiProblem && PASSED_BY.has(problem.code)) summary.skipped.push(job);
        else summary.failed.push({ job, problem: problem as Error });
      }
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  return summary;
}
