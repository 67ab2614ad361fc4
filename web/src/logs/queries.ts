/** What the viewer asks about a job beside the bytes of its logs. */
import { useQuery } from "@tanstack/react-query";
import { api, data, type Schema } from "@/api/client";
import { findTracebacks } from "./model/source";

const LIVE = 5_000;
const COUNTING = 300;
const path = (job: string) => ({ params: { path: { job_id: job } } });

export function latestAttempt(attempts: readonly Schema<"Attempt">[] | undefined) {
  return attempts?.reduce((one, other) => (other.number > one.number ? other : one));
}

export function useAttempts(job: string) {
  return useQuery({
    queryKey: ["logs", job, "attempts"],
    queryFn: () => data(api.GET("/api/v1/jobs/{job_id}/attempts", path(job))),
  });
}

export function useTracebacks(job: string, attempt: number, live: boolean) {
  return useQuery({
    queryKey: ["logs", job, "tracebacks", attempt],
    queryFn: () => findTracebacks({ job, attempt, name: "stdout.log" }),
    refetchInterval: ({ state }) => (state.data?.complete === false ? COUNTING : live ? LIVE : false),
  });
}

/** What the platform told of an attempt. */
export function useEvents(job: string, attempt: number, live: boolean) {
  return useQuery({
    queryKey: ["logs", job, "events"],
    queryFn: () => data(api.GET("/api/v1/jobs/{job_id}/events", path(job))),
    select: (events) => events.filter((event) => event.attempt === attempt),
    refetchInterval: live ? LIVE : false,
  });
}
