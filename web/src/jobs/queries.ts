/** Jobs as the platform tells them, and what can be done to them. */
import {
  infiniteQueryOptions,
  type QueryClient,
  queryOptions,
  useMutation,
  useQueryClient,
} from "@tanstack/react-query";
import { useEffect } from "react";
import { api, data, type Schema } from "@/api/client";
import type { State } from "@/ui/StateBadge";
import { type Filter, toQuery, writeFilter } from "./filter";

export type Job = Schema<"Job">;
export type Attempt = Schema<"Attempt">;
export type Artifact = Schema<"Artifact">;

const PAGE = 50;
/** Pages that are asked for again every few seconds; with more of them, more seldom. */
const FEW_PAGES = 3;
const OFTEN = 3_000;
const SELDOM = 15_000;
const NEXT_LOOK = 2_000;

export function jobsQuery(filter: Filter) {
  return infiniteQueryOptions({
    queryKey: ["jobs", writeFilter(filter).toString()],
    initialPageParam: undefined as string | undefined,
    queryFn: ({ pageParam }) =>
      data(
        api.GET("/api/v1/jobs", {
          params: {
            query: {
              ...toQuery(filter, Date.now()),
              limit: PAGE,
              ...(pageParam ? { cursor: pageParam } : {}),
            },
          },
        }),
      ),
    getNextPageParam: ({ next_cursor }) => next_cursor ?? undefined,
    refetchInterval: ({ state }) => ((state.data?.pages.length ?? 0) > FEW_PAGES ? SELDOM : OFTEN),
    // A row that is being looked at must not vanish while the next answer is on its way.
    placeholderData: (before) => before,
  });
}

/** Workflows to choose jobs by, those that changed last first. */
export const workflowNamesQuery = queryOptions({
  queryKey: ["workflows", "names"],
  queryFn: () => data(api.GET("/api/v1/workflows", { params: { query: { limit: 500 } } })),
  select: ({ items }) => items.map(({ id, name }) => ({ id, name })),
});

const TERMINAL = new Set(["succeeded", "failed", "cancelled"]);

export function hasEnded({ state }: Pick<Job, "state">): boolean {
  return TERMINAL.has(state);
}

export function stateOf(job: Pick<Job, "state" | "unreachable">): State {
  return job.unreachable && !hasEnded(job) ? "unreachable" : job.state;
}

export const jobQuery = (id: string) =>
  queryOptions({
    queryKey: ["job", id],
    queryFn: () => data(api.GET("/api/v1/jobs/{job_id}", { params: { path: { job_id: id } } })),
    refetchInterval: ({ state }) => (state.data && hasEnded(state.data) ? false : NEXT_LOOK),
  });

export const attemptsQuery = (id: string) =>
  queryOptions({
    queryKey: ["job", id, "attempts"],
    queryFn: () => data(api.GET("/api/v1/jobs/{job_id}/attempts", { params: { path: { job_id: id } } })),
  });

export const artifactsQuery = (id: string) =>
  queryOptions({
    queryKey: ["job", id, "artifacts"],
    queryFn: () => data(api.GET("/api/v1/jobs/{job_id}/artifacts", { params: { path: { job_id: id } } })),
  });

/** Has the job looked at anew whenever something happens to it. */
export function useLiveJob(id: string, ended: boolean | undefined): void {
  const queries = useQueryClient();
  useEffect(() => {
    if (ended !== false) return;
    const source = new EventSource(`/api/v1/jobs/${id}/events/stream`);
    source.onmessage = () => void queries.invalidateQueries({ queryKey: ["job", id] });
    source.addEventListener("end", () => {
      source.close();
      void queries.invalidateQueries({ queryKey: ["job", id] });
    });
    return () => source.close();
  }, [id, ended, queries]);
}

/** A key under which a create is done once, however often it is sent. */
export function idempotencyKey(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16)).join("");
}

const at = (id: string) => ({ params: { path: { job_id: id } } });

export const cancelJob = (id: string) => data(api.POST("/api/v1/jobs/{job_id}/cancel", at(id)));

export const runAgain = (id: string): Promise<Job> =>
  data(
    api.POST("/api/v1/jobs/{job_id}/run-again", {
      params: { path: { job_id: id }, header: { "Idempotency-Key": idempotencyKey() } },
    }),
  );

export async function deleteJob(id: string): Promise<void> {
  await api.DELETE("/api/v1/jobs/{job_id}", at(id));
}

export function lookAgain(queries: QueryClient): void {
  void queries.invalidateQueries({ queryKey: ["jobs"] });
  void queries.invalidateQueries({ queryKey: ["job"] });
}

/** One of the verbs above, for one job. */
export function useJobAction<Result>(act: (id: string) => Promise<Result>) {
  const queries = useQueryClient();
  return useMutation({ mutationFn: act, onSettled: () => lookAgain(queries) });
}
