/** The steps of an upload: its hash, whether the platform has it, how much of it, and its bytes. */
import { ApiProblem, api } from "@/api/client";
import type { HashNews } from "./hash.worker";

type Progress = (done: number) => void;

export function hashOf(file: Blob, progress: Progress, signal: AbortSignal): Promise<string> {
  const worker = new Worker(new URL("./hash.worker.ts", import.meta.url), { type: "module" });
  const hashed = new Promise<string>((resolve, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason));
    worker.onerror = (event) => reject(new Error(event.message));
    worker.onmessage = ({ data: news }: MessageEvent<HashNews>) => {
      if ("done" in news) progress(news.done);
      else if ("sha256" in news) resolve(news.sha256);
      else reject(new Error(news.problem));
    };
    worker.postMessage(file);
  });
  return hashed.finally(() => worker.terminate());
}

/** Whether the platform has the file; then it keeps it for a day at least. */
export async function isKnown(sha256: string, signal?: AbortSignal): Promise<boolean> {
  try {
    await api.HEAD("/api/v1/blobs/{sha256}", { params: { path: { sha256 } }, ...(signal ? { signal } : {}) });
    return true;
  } catch (problem) {
    if (problem instanceof ApiProblem && problem.status === 404) return false;
    throw problem;
  }
}

/** A smaller file is sent in one go: its upload breaks off too seldom to be asked about first. */
export const RESUMED_FROM = 8 * 1024 * 1024;

/** Sends the file, a large one from where an earlier try broke off, be it of this tab or of one that is gone. */
export async function send(
  sha256: string,
  file: Blob,
  progress: Progress,
  signal: AbortSignal,
): Promise<void> {
  if (file.size < RESUMED_FROM) return bytes("PUT", `/api/v1/blobs/${sha256}`, {}, file, progress, signal);
  const offset = await offsetOf(sha256, signal);
  progress(offset);
  return bytes(
    "PATCH",
    `/api/v1/blobs/${sha256}/upload`,
    { "Upload-Offset": String(offset), "Upload-Length": String(file.size) },
    file.slice(offset),
    (done) => progress(offset + done),
    signal,
  );
}

/** How much of the file the platform has. */
async function offsetOf(sha256: string, signal: AbortSignal): Promise<number> {
  const { response } = await api.HEAD("/api/v1/blobs/{sha256}/upload", {
    params: { path: { sha256 } },
    signal,
  });
  return Number(response.headers.get("Upload-Offset") ?? 0);
}

/** By XMLHttpRequest: `fetch` tells nothing of how far it is. */
function bytes(
  method: "PUT" | "PATCH",
  path: string,
  headers: Readonly<Record<string, string>>,
  content: Blob,
  progress: Progress,
  signal: AbortSignal,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    signal.addEventListener("abort", () => {
      request.abort();
      reject(signal.reason);
    });
    request.upload.onprogress = (event) => progress(event.loaded);
    request.onerror = () => reject(new ApiProblem(0, { code: "unreachable", detail: "" }));
    request.onload = () => {
      if (request.status < 300) resolve();
      else reject(refusal(request));
    };
    request.open(method, path);
    request.setRequestHeader("Content-Type", "application/octet-stream");
    for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
    request.send(content);
  });
}

function refusal(request: XMLHttpRequest): ApiProblem {
  try {
    return new ApiProblem(request.status, JSON.parse(request.responseText) as Record<string, unknown>);
  } catch {
    return new ApiProblem(request.status, { code: "unknown" });
  }
}
