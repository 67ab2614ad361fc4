/** Where a traceback is read, and the sources of the user's own files. */
import { queryOptions } from "@tanstack/react-query";
import { ApiProblem, api, data, problemOf } from "@/api/client";
import { reader, textQuery, zipQuery } from "@/fields/queries";
import { readEntry } from "@/fields/zip";
import type { Job } from "../queries";
import { lastTraceback } from "../traceback";

const TAIL = 128 * 1024;

async function stderr(id: string, attempt: number, range: string): Promise<string> {
  const answer = await fetch(`/api/v1/jobs/${id}/logs/stderr.log?attempt=${attempt}`, {
    headers: { Range: range },
  });
  if (answer.status === 416 || answer.status === 404) return "";
  if (!answer.ok) throw await problemOf(answer);
  return answer.text();
}

/** The last traceback: from the log's tail, or from where the platform finds one further up. */
export const tracebackQuery = (id: string, attempt: number, enabled: boolean) =>
  queryOptions({
    queryKey: ["job", id, "traceback", attempt],
    enabled,
    staleTime: Number.POSITIVE_INFINITY,
    queryFn: async () => {
      const { tracebacks, total, complete } = await data(
        api.GET("/api/v1/jobs/{job_id}/logs/{name}/tracebacks", {
          params: { path: { job_id: id, name: "stderr.log" }, query: { attempt } },
        }),
      );
      if (complete && total === 0) return null;
      const found = lastTraceback(await stderr(id, attempt, `bytes=-${TAIL}`));
      if (found) return found;
      const last = tracebacks.at(-1);
      if (!last) return null;
      const text = await stderr(id, attempt, `bytes=${last.offset}-${last.offset + TAIL}`);
      return lastTraceback(text) ?? null;
    },
  });

/** The text of the script, or of a file of its zip. */
export const sourceQuery = ({ spec }: Job, file: string) =>
  queryOptions({
    queryKey: ["source", spec.script.sha256, spec.dependencies?.sha256, file],
    staleTime: Number.POSITIVE_INFINITY,
    retry: false,
    queryFn: async ({ client }) => {
      if (file === spec.script.name) return client.fetchQuery(textQuery(spec.script.sha256));
      const sha256 = spec.dependencies?.sha256;
      const { entries } = await client.fetchQuery(zipQuery(sha256));
      const entry = entries.find(({ path }) => path === file);
      if (!entry || !sha256) throw new ApiProblem(404, { code: "not_found", detail: file });
      return readEntry(entry, reader(sha256));
    },
  });
