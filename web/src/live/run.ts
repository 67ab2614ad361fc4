/** A run as it goes on: read once, then kept up to date by the events that the platform sends. */
import { type QueryClient, queryOptions, useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect } from "react";
import { api, data, type Schema } from "@/api/client";

export type Run = Schema<"Run">;
export type RunDetail = Schema<"RunDetail">;
export type NodeRun = Schema<"NodeRun">;
type RunEvent = Schema<"RunEvent">;

const ENDED = new Set(["succeeded", "failed", "cancelled"]);
const NODE_STARTED = new Set(["queued", "staging", "running"]);
const NODE_OPEN = new Set([...NODE_STARTED, "waiting"]);
/** Between two readings of the whole run while its events come in, in milliseconds. */
const READ_EVERY = 1_000;
const AGAIN_AFTER = 2_000;
const QUEUE_EVERY = 3_000;

export function runEnded(run: Pick<Run, "state">): boolean {
  return ENDED.has(run.state);
}

export function nodeStarted(state: string): boolean {
  return NODE_STARTED.has(state);
}

export function nodeOpen(state: string): boolean {
  return NODE_OPEN.has(state);
}

export function runQuery(id: string) {
  return queryOptions({
    queryKey: ["run", id],
    queryFn: () => data(api.GET("/api/v1/runs/{run_id}", { params: { path: { run_id: id } } })),
    staleTime: 2_000,
  });
}

/** The latest runs of a workflow, newest first. */
export function runsQuery(workflow: string | undefined, limit = 50) {
  return queryOptions({
    queryKey: ["runs", workflow ?? "", limit],
    queryFn: () =>
      data(api.GET("/api/v1/runs", { params: { query: { limit, ...(workflow ? { workflow } : {}) } } })),
    refetchInterval: (query) => (query.state.data?.items.some((run) => !runEnded(run)) ? 3_000 : 15_000),
  });
}

export function useRun(id: string | undefined) {
  const queries = useQueryClient();
  const query = useQuery({
    ...runQuery(id ?? ""),
    enabled: Boolean(id),
    // What is in front of it in the queue tells this run nothing.
    refetchInterval: ({ state }) =>
      state.data?.nodes.some((node) => node.state === "queued") ? QUEUE_EVERY : false,
  });
  const live = query.data !== undefined && !runEnded(query.data);
  useEffect(() => {
    if (id && live) return follow(queries, id);
    return undefined;
  }, [queries, id, live]);
  return query;
}

function follow(queries: QueryClient, id: string): () => void {
  let source: EventSource | undefined;
  let reading: number | undefined;
  let again: number | undefined;
  let last = 0;

  function readSoon(): void {
    reading ??= window.setTimeout(() => {
      reading = undefined;
      void queries.invalidateQueries({ queryKey: ["run", id] });
    }, READ_EVERY);
  }

  function open(): void {
    source = new EventSource(`/api/v1/runs/${id}/events/stream?after=${last}`);
    source.onmessage = (message: MessageEvent<string>) => {
      const event = JSON.parse(message.data) as RunEvent;
      last = Math.max(last, event.seq);
      queries.setQueryData(runQuery(id).queryKey, (run) => (run ? patched(run, event) : run));
      readSoon();
    };
    source.addEventListener("end", () => {
      source?.close();
      void queries.invalidateQueries({ queryKey: ["run", id] });
      void queries.invalidateQueries({ queryKey: ["runs"] });
    });
    source.onerror = () => {
      if (source?.readyState !== EventSource.CLOSED) return; // the browser tries again by itself
      again = window.setTimeout(open, AGAIN_AFTER);
    };
  }

  open();
  return () => {
    source?.close();
    window.clearTimeout(reading);
    window.clearTimeout(again);
  };
}

/** The run after an event, as far as the event tells; the next reading tells the rest. */
export function patched(run: RunDetail, event: RunEvent): RunDetail {
  // A stream begins with all that happened before: what is older than what was read changes nothing.
  if (event.node === null || event.node === undefined) {
    // How it ended is read: a run that was resumed had ended before, and the stream tells of that too.
    const told = event.state as Run["state"];
    return told === run.state || runEnded(run) || ENDED.has(told) ? run : { ...run, state: told };
  }
  const at = run.nodes.findIndex((node) => node.name === event.node);
  const node = run.nodes[at];
  if (!node || node.state === event.state || !isNewer(node, event)) return run;
  const nodes = [...run.nodes];
  nodes[at] = {
    ...node,
    state: event.state as NodeRun["state"],
    job: event.job ?? node.job ?? null,
    // In which words, the next reading tells.
    sentence: null,
    saying: null,
    position: null,
    ...(event.state === "queued" ? { created_at: event.at, started_at: null, finished_at: null } : {}),
    ...(event.state === "running" ? { started_at: event.at } : {}),
    ...(nodeOpen(event.state) ? {} : { finished_at: event.at }),
  };
  return { ...run, nodes };
}

function isNewer(node: NodeRun, event: RunEvent): boolean {
  const known = [node.created_at, node.started_at, node.finished_at].flatMap((at) => at ?? []);
  return known.every((at) => Date.parse(at) <= Date.parse(event.at));
}
