/** What the fields ask the platform for. */
import { queryOptions } from "@tanstack/react-query";
import { api, data, problemOf } from "@/api/client";
import { localFile } from "@/uploads/uploads";
import { connectionFor, readPath } from "./paths";
import { listZip, type ReadBytes } from "./zip";

export const workersQuery = queryOptions({
  queryKey: ["workers"],
  queryFn: () => data(api.GET("/api/v1/workers")),
  refetchInterval: 5_000,
});

export const runtimesQuery = queryOptions({
  queryKey: ["runtimes"],
  queryFn: () => data(api.GET("/api/v1/runtimes")),
  refetchInterval: 15_000,
});

export const secretsQuery = queryOptions({
  queryKey: ["secrets"],
  queryFn: () => data(api.GET("/api/v1/secrets")),
});

export const connectionsQuery = queryOptions({
  queryKey: ["connections"],
  queryFn: () => data(api.GET("/api/v1/connections")),
});

async function blobBytes(sha256: string, start?: number, end?: number): Promise<ArrayBuffer> {
  const range = start === undefined || end === undefined ? {} : { Range: `bytes=${start}-${end - 1}` };
  const answer = await fetch(`/api/v1/blobs/${sha256}`, { headers: range });
  if (!answer.ok) throw await problemOf(answer);
  return answer.arrayBuffer();
}

/** Bytes of an uploaded file; from this tab, if it came from here. */
export function reader(sha256: string): ReadBytes {
  return async (start, end) => {
    const file = localFile(sha256);
    const bytes = file ? await file.slice(start, end).arrayBuffer() : await blobBytes(sha256, start, end);
    return new Uint8Array(bytes);
  };
}

/** The text of an uploaded script. */
export const textQuery = (sha256: string | undefined) =>
  queryOptions({
    queryKey: ["blob", sha256, "text"],
    enabled: sha256 !== undefined,
    staleTime: Number.POSITIVE_INFINITY,
    queryFn: async () => {
      const file = localFile(sha256 ?? "");
      return file ? file.text() : new TextDecoder().decode(await blobBytes(sha256 ?? ""));
    },
  });

async function sizeOf(sha256: string): Promise<number> {
  const file = localFile(sha256);
  if (file) return file.size;
  const answer = await fetch(`/api/v1/blobs/${sha256}`, { method: "HEAD" });
  if (!answer.ok) throw await problemOf(answer);
  return Number(answer.headers.get("Content-Length"));
}

export const zipQuery = (sha256: string | undefined) =>
  queryOptions({
    queryKey: ["blob", sha256, "zip"],
    enabled: sha256 !== undefined,
    staleTime: Number.POSITIVE_INFINITY,
    retry: false,
    queryFn: async () => {
      const size = await sizeOf(sha256 ?? "");
      return { size, entries: await listZip(size, reader(sha256 ?? "")) };
    },
  });

/** Scripts of the latest jobs, each once. */
export const earlierScriptsQuery = queryOptions({
  queryKey: ["scripts"],
  queryFn: async () => {
    const { items } = await data(api.GET("/api/v1/jobs", { params: { query: { limit: 200 } } }));
    const found = new Map(items.map((job) => [job.spec.script.sha256, job] as const).reverse());
    return [...found.values()].reverse();
  },
});

/** What lies at a path; null if no connection allows it, undefined if it is no path. */
export const pathQuery = (path: string) =>
  queryOptions({
    queryKey: ["path", path],
    staleTime: 30_000,
    retry: false,
    queryFn: async ({ client }) => {
      if (!readPath(path)) return "invalid" as const;
      const connection = connectionFor(path, await client.ensureQueryData(connectionsQuery));
      if (!connection) return "refused" as const;
      return data(
        api.POST("/api/v1/connections/{name}/check", {
          params: { path: { name: connection.name } },
          body: { path },
        }),
      );
    },
  });
