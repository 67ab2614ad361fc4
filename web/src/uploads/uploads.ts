/**
 * Uploads that go on whatever page is open. A file is named by its hash, so a form has its value as soon as
 * that is known, long before the last byte was sent; who submits waits with `sent`.
 */
import { create } from "zustand";
import { ApiProblem, type Schema } from "@/api/client";
import { hashOf, isKnown, send } from "./sending";
import { sha256 as hashed } from "./sha256";

export type FileRef = Schema<"FileRef">;
export type UploadState = "hashing" | "sending" | "waiting" | "sent" | "known" | "failed";

export interface Upload {
  id: number;
  name: string;
  size: number;
  state: UploadState;
  /** Bytes hashed, or sent. */
  done: number;
  sha256?: string;
  problem?: Error;
}

interface UploadStore {
  uploads: Readonly<Record<number, Upload>>;
}

export const useUploads = create<UploadStore>(() => ({ uploads: {} }));

interface Held {
  file: Blob;
  abort: AbortController;
  ended: Promise<void>;
}

/** What can't be shown: the files themselves and how to stop. */
const held = new Map<number, Held>();
/** Files of this tab by their hash, so that nothing has to be fetched to look into them. */
const local = new Map<string, Blob>();
let next = 0;

function set(id: number, change: Partial<Upload>): void {
  useUploads.setState(({ uploads }) => {
    const upload = uploads[id];
    return upload ? { uploads: { ...uploads, [id]: { ...upload, ...change } } } : { uploads };
  });
}

function forget(id: number): void {
  useUploads.setState(({ uploads }) => {
    const { [id]: _, ...rest } = uploads;
    return { uploads: rest };
  });
  held.delete(id);
}

/** Starts one; `onNamed` is called once the file's hash is known, also when the page has changed since. */
export function upload(file: Blob, name: string, onNamed: (ref: FileRef) => void): number {
  next += 1;
  const id = next;
  useUploads.setState(({ uploads }) => ({
    uploads: { ...uploads, [id]: { id, name, size: file.size, state: "hashing", done: 0 } },
  }));
  const abort = new AbortController();
  held.set(id, { file, abort, ended: run(id, file, name, onNamed, abort.signal) });
  return id;
}

async function run(
  id: number,
  file: Blob,
  name: string,
  onNamed: (ref: FileRef) => void,
  signal: AbortSignal,
): Promise<void> {
  try {
    const sha256 = await hashOf(file, (done) => set(id, { done }), signal);
    local.set(sha256, file);
    set(id, { sha256, state: "sending", done: 0 });
    onNamed({ sha256, name });
    await deliver(id, sha256, file, signal);
  } catch (problem) {
    if (signal.aborted) forget(id);
    else
      set(id, { state: "failed", problem: problem instanceof Error ? problem : new Error(String(problem)) });
  }
}

const PAUSES = [1, 2, 4, 8, 15, 30, 30, 30, 60, 60];

async function deliver(id: number, sha256: string, file: Blob, signal: AbortSignal): Promise<void> {
  for (const pause of [...PAUSES, 0]) {
    try {
      if (await isKnown(sha256, signal)) return set(id, { state: "known", done: file.size });
      await send(sha256, file, (done) => set(id, { state: "sending", done }), signal);
      return set(id, { state: "sent", done: file.size });
    } catch (problem) {
      const passing = problem instanceof ApiProblem && passes(problem);
      if (!passing || pause === 0 || signal.aborted) throw problem;
      set(id, { state: "waiting" });
      await new Promise((resolve) => setTimeout(resolve, pause * 1000));
    }
  }
}

/** What is over soon: the line is broken, the platform away, or another tab sends the same file. */
function passes({ status, code }: ApiProblem): boolean {
  return status === 0 || status >= 502 || code === "offset_mismatch";
}

export function cancelUpload(id: number): void {
  held.get(id)?.abort.abort();
  forget(id);
}

export function retryUpload(id: number, onNamed: (ref: FileRef) => void): void {
  const [file, known] = [held.get(id)?.file, useUploads.getState().uploads[id]];
  forget(id);
  if (file && known) upload(file, known.name, onNamed);
}

const latest = (uploads: UploadStore["uploads"], sha256: string) =>
  Object.values(uploads).findLast((one) => one.sha256 === sha256);

/** The upload of this file in this tab, if there was one. */
export function useUploadOf(sha256: string | undefined): Upload | undefined {
  return useUploads(({ uploads }) => (sha256 ? latest(uploads, sha256) : undefined));
}

export function localFile(sha256: string): Blob | undefined {
  return local.get(sha256);
}

/** Once the platform has the file; fails as its upload did. */
export async function sent(sha256: string): Promise<void> {
  const found = latest(useUploads.getState().uploads, sha256);
  if (!found) return;
  await held.get(found.id)?.ended;
  const ended = useUploads.getState().uploads[found.id];
  if (ended?.state === "failed") throw ended.problem ?? new Error(ended.name);
}

/** A short text as a file, at once. */
export async function uploadText(text: string, name: string): Promise<FileRef> {
  const bytes = new TextEncoder().encode(text);
  const [file, sha256] = [new Blob([bytes]), hashed(bytes)];
  local.set(sha256, file);
  const never = new AbortController().signal;
  if (!(await isKnown(sha256))) await send(sha256, file, () => {}, never);
  return { sha256, name };
}
