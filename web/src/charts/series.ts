/** Series as the platform tells them: fetched once, then only what came since. */
import { type QueryClient, useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect } from "react";
import { api, data, type Schema } from "@/api/client";

export type Series = Schema<"Series">;
export type SeriesList = Schema<"SeriesList">;
export type Samples = Schema<"Samples">;

const LIVE = 2_000;
const UNREAD = 1_000;
const MEASURED = 5_000;

function fetchSeries(job: string, attempt: number | undefined, after?: number): Promise<SeriesList> {
  const query = {
    ...(attempt === undefined ? {} : { attempt }),
    ...(after === undefined ? {} : { after }),
  };
  return data(api.GET("/api/v1/jobs/{job_id}/series", { params: { path: { job_id: job }, query } }));
}

/** The older list with what came since; undefined if older points changed too. */
export function grown(before: SeriesList, news: SeriesList): SeriesList | undefined {
  if (before.revision !== news.revision || before.attempt !== news.attempt || news.until < before.until)
    return undefined;
  const fresh = new Map(news.series.map((series) => [series.name, series]));
  const old = before.series.map((series) => {
    const more = series.source === "printed" ? fresh.get(series.name) : undefined;
    if (more) fresh.delete(series.name);
    return more ? joined(series, more) : series;
  });
  return { ...news, series: [...old, ...fresh.values()] };
}

/** A bar that is drawn again tells another number for the same step. */
function joined(series: Series, more: Series): Series {
  const first = more.steps[0] ?? Number.POSITIVE_INFINITY;
  let kept = series.steps.length;
  while (kept > 0 && (series.steps[kept - 1] ?? 0) >= first) kept -= 1;
  return {
    ...more,
    steps: [...series.steps.slice(0, kept), ...more.steps],
    values: [...series.values.slice(0, kept), ...more.values],
    offsets: [...series.offsets.slice(0, kept), ...more.offsets],
    times: [...series.times.slice(0, kept), ...more.times],
  };
}

async function refreshed(
  queries: QueryClient,
  key: readonly unknown[],
  job: string,
  attempt: number | undefined,
): Promise<SeriesList> {
  const before = queries.getQueryData<SeriesList>(key);
  if (!before) return fetchSeries(job, attempt);
  return grown(before, await fetchSeries(job, attempt, before.until)) ?? fetchSeries(job, attempt);
}

/** The curves of an attempt; asked for again while it runs, and until all of its output was read. */
export function useSeries(job: string, attempt: number | undefined, live: boolean) {
  const queries = useQueryClient();
  const key = ["job", job, "series", attempt ?? null] as const;
  const query = useQuery({
    queryKey: key,
    queryFn: () => refreshed(queries, key, job, attempt),
    refetchInterval: ({ state }) => (state.data?.complete === false ? UNREAD : live ? LIVE : false),
    staleTime: LIVE,
  });
  useOnceMoreAtTheEnd(live, query.refetch);
  return query;
}

/** What an attempt used. */
export function useSamples(job: string, attempt: number | undefined, live: boolean) {
  const query = useQuery({
    queryKey: ["job", job, "samples", attempt ?? null],
    queryFn: () =>
      data(
        api.GET("/api/v1/jobs/{job_id}/samples", {
          params: { path: { job_id: job }, query: attempt === undefined ? {} : { attempt } },
        }),
      ),
    refetchInterval: live ? MEASURED : false,
    staleTime: LIVE,
  });
  useOnceMoreAtTheEnd(live, query.refetch);
  return query;
}

function useOnceMoreAtTheEnd(live: boolean, refetch: () => unknown): void {
  useEffect(() => {
    if (!live) return undefined;
    return () => {
      refetch();
    };
  }, [live, refetch]);
}
