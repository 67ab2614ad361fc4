/** The three steps of an upload: its hash, whether the platform has it, and its bytes. */
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

/** By XMLHttpRequest: `fetch` tells nothing of how far it is. */
export function send(sha256: string, file: Blob, progress: Progress, signal: AbortSignal): Promise<void> {
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
    request.open("PUT", `/api/v1/blobs/${sha256}`);
    request.setRequestHeader("Content-Type", "application/octet-stream");
    request.send(file);
  });
}

function refusal(request: XMLHttpRequest): ApiProblem {
  try {
    return new ApiProblem(request.status, JSON.parse(request.responseText) as Record<string, unknown>);
  } catch {
    return new ApiProblem(request.status, { code: "unknown" });
  }
}
