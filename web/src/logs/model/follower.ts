/** A log's bytes as they are printed, over a connection that may break as often as it likes. */
import { ApiProblem, problemOf, type Schema } from "@/api/client";
import { EventParser } from "./sse";

export type Chunk = Partial<Schema<"LogChunk">> & { offset: number };
export type LogEnd = Schema<"LogEnd">;

export interface Follower {
  /** The stream's address for what lies from `offset` on. */
  url: (offset: number) => string;
  offset: number;
  /** Called with bytes that follow each other without gap or overlap. */
  onBytes: (offset: number, bytes: Uint8Array, chunk: Chunk) => void;
  onState: (state: "live" | "reconnecting") => void;
  onEnd: (end: LogEnd) => void;
  /** The platform refuses to tell it. */
  onProblem: (problem: ApiProblem) => void;
  fetch?: typeof fetch;
  /** Milliseconds before the next try. */
  pause?: (failures: number) => number;
}

/** Silence after which a line counts as dead: the platform sends something every 15 seconds. */
const PATIENCE = 40_000;
const encoder = new TextEncoder();

export function chunkBytes(chunk: Chunk): Uint8Array {
  if (chunk.text !== null && chunk.text !== undefined) return encoder.encode(chunk.text);
  return Uint8Array.from(atob(chunk.base64 ?? ""), (one) => one.charCodeAt(0));
}

/** Follow until the log's end, or until `signal`. */
export async function follow(follower: Follower, signal: AbortSignal): Promise<void> {
  const pause = follower.pause ?? ((failures) => Math.min(250 * 2 ** failures, 5_000));
  const place = { offset: follower.offset, failures: 0 };
  while (!signal.aborted) {
    try {
      if (await once(follower, place, signal)) return;
    } catch (problem) {
      if (signal.aborted) return;
      if (problem instanceof ApiProblem && refused(problem)) return follower.onProblem(problem);
    }
    if (signal.aborted) return;
    follower.onState("reconnecting");
    await sleep(pause(place.failures), signal);
    place.failures += 1;
  }
}

function refused(problem: ApiProblem): boolean {
  return problem.status >= 400 && problem.status < 500 && problem.status !== 408 && problem.status !== 429;
}

/** One connection; whether the log has ended. */
async function once(
  follower: Follower,
  place: { offset: number; failures: number },
  outer: AbortSignal,
): Promise<boolean> {
  const silence = new AbortController();
  const signal = AbortSignal.any([outer, silence.signal]);
  let timer = setTimeout(() => silence.abort(), PATIENCE);
  try {
    const answer = await (follower.fetch ?? fetch)(follower.url(place.offset), {
      signal,
      headers: { Accept: "text/event-stream" },
    });
    if (!answer.ok) throw await problemOf(answer);
    const reader = answer.body?.getReader();
    if (!reader) return false;
    follower.onState("live");
    const parser = new EventParser();
    for (let read = await reader.read(); !read.done; read = await reader.read()) {
      clearTimeout(timer);
      timer = setTimeout(() => silence.abort(), PATIENCE);
      place.failures = 0;
      for (const event of parser.feed(read.value)) {
        if (event.name === "end") {
          follower.onEnd(JSON.parse(event.data) as LogEnd);
          void reader.cancel();
          return true;
        }
        if (event.name === "message") take(follower, place, JSON.parse(event.data) as Chunk);
      }
    }
    return false;
  } finally {
    clearTimeout(timer);
    silence.abort();
  }
}

function take(follower: Follower, place: { offset: number }, chunk: Chunk): void {
  const bytes = chunkBytes(chunk);
  const known = place.offset - chunk.offset;
  if (known < 0) throw new Error("the stream left bytes out");
  if (known >= bytes.length) return;
  const offset = place.offset;
  place.offset = chunk.offset + bytes.length;
  follower.onBytes(offset, bytes.subarray(known), chunk);
}

function sleep(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(done, milliseconds);
    function done(): void {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      resolve();
    }
    signal.addEventListener("abort", done);
  });
}
