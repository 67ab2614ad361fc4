/** Where a log's bytes and places come from: the platform's API. */
import { ApiProblem, api, data, problemOf, type Schema } from "@/api/client";
import type { LogName } from "./links";

export interface Source {
  job: string;
  attempt: number;
  name: LogName;
}

export type LogSearch = Schema<"LogSearch">;
export type LogMatch = Schema<"LogMatch">;
export type LogLine = Schema<"LogLine">;

function path({ job, name }: Source) {
  return { job_id: job, name };
}

export function logUrl({ job, attempt, name }: Source): string {
  return `/api/v1/jobs/${encodeURIComponent(job)}/logs/${name}?attempt=${attempt}`;
}

export function streamUrl(source: Source, offset: number): string {
  return logUrl(source).replace("?", `/stream?offset=${offset}&`);
}

/** A part of the log, and how large the log was; nothing if it has not so many bytes. */
export async function readRange(
  source: Source,
  range: string,
  signal?: AbortSignal,
): Promise<{ start: number; bytes: Uint8Array; size: number }> {
  let answer: Response;
  try {
    answer = await fetch(logUrl(source), {
      headers: { Range: `bytes=${range}` },
      cache: "no-store",
      ...(signal ? { signal } : {}),
    });
  } catch (problem) {
    if (signal?.aborted) throw problem;
    throw new ApiProblem(0, { code: "unreachable" });
  }
  const said = /^bytes (?:(\d+)-\d+|\*)\/(\d+)$/.exec(answer.headers.get("Content-Range") ?? "");
  if (answer.status === 416) return { start: 0, bytes: new Uint8Array(), size: Number(said?.[2] ?? 0) };
  if (!answer.ok) throw await problemOf(answer);
  const bytes = new Uint8Array(await answer.arrayBuffer());
  return { start: Number(said?.[1] ?? 0), bytes, size: Number(said?.[2] ?? bytes.length) };
}

export function lineAt(source: Source, place: { line: number } | { offset: number }): Promise<LogLine> {
  return data(
    api.GET("/api/v1/jobs/{job_id}/logs/{name}/lines", {
      params: { path: path(source), query: { attempt: source.attempt, ...place } },
    }),
  );
}

/** As `lineAt`, and again until the platform has counted so far. */
export async function lineSurely(
  source: Source,
  place: { line: number } | { offset: number },
  signal: AbortSignal,
): Promise<LogLine | undefined> {
  while (!signal.aborted) {
    const found = await lineAt(source, place);
    if (found.line !== null && found.line !== undefined) return found;
    if (found.complete) return undefined;
  }
  return undefined;
}

export function findTracebacks(source: Source): Promise<Schema<"Tracebacks">> {
  return data(
    api.GET("/api/v1/jobs/{job_id}/logs/{name}/tracebacks", {
      params: { path: path(source), query: { attempt: source.attempt } },
    }),
  );
}

export function findPieces(source: Source, offset: number, length: number): Promise<Schema<"LogPieces">> {
  return data(
    api.GET("/api/v1/jobs/{job_id}/logs/{name}/pieces", {
      params: { path: path(source), query: { attempt: source.attempt, offset, length } },
    }),
  );
}

export interface Query {
  pattern: string;
  regex: boolean;
  case: boolean;
}

export interface Part {
  after_offset?: number;
  before_offset?: number;
  limit?: number;
  last?: boolean;
}

export function search(source: Source, query: Query, part: Part, signal?: AbortSignal): Promise<LogSearch> {
  return data(
    api.GET("/api/v1/jobs/{job_id}/logs/{name}/search", {
      params: { path: path(source), query: { attempt: source.attempt, ...query, ...part } },
      ...(signal ? { signal } : {}),
    }),
  );
}
