/** Workflows as a list, and what can be done with one of them there. */
import { infiniteQueryOptions, queryOptions, useMutation, useQueryClient } from "@tanstack/react-query";
import { body } from "@/api/body";
import { type ApiProblem, api, data, problemOf, type Schema } from "@/api/client";
import { language } from "@/i18n";
import { toastProblem } from "@/ui/toast";

export type Listed = Schema<"WorkflowListed">;
export type Template = Schema<"Template">;

const PAGE = 48;

export function workflowsQuery(text: string) {
  return infiniteQueryOptions({
    queryKey: ["workflows", text],
    queryFn: ({ pageParam }) =>
      data(
        api.GET("/api/v1/workflows", {
          params: {
            query: { limit: PAGE, ...(text ? { text } : {}), ...(pageParam ? { cursor: pageParam } : {}) },
          },
        }),
      ),
    initialPageParam: "",
    getNextPageParam: (page) => page.next_cursor ?? undefined,
    // Last runs' states are live enough for a list.
    refetchInterval: 5_000,
  });
}

export const templatesQuery = queryOptions({
  queryKey: ["templates"],
  queryFn: () => data(api.GET("/api/v1/templates")),
  staleTime: Number.POSITIVE_INFINITY,
});

const key = () => ({ "Idempotency-Key": crypto.randomUUID() });

export function create(name: string): Promise<Schema<"Workflow">> {
  return data(api.POST("/api/v1/workflows", { body: body({ name }), headers: key() }));
}

export function createFrom(template: string): Promise<Schema<"Workflow">> {
  return data(
    api.POST("/api/v1/templates/{name}", {
      params: { path: { name: template } },
      body: { language: language(), name: null },
      headers: key(),
    }),
  );
}

export async function importFile(file: File): Promise<Schema<"ImportedWorkflow">> {
  const answer = await fetch("/api/v1/workflows/import", {
    method: "POST",
    headers: { "Content-Type": "application/yaml", ...key() },
    body: await file.text(),
  });
  if (!answer.ok) throw await problemOf(answer);
  return (await answer.json()) as Schema<"ImportedWorkflow">;
}

/** Something done with the list; it is read again afterwards. */
export function useDoing<Wish, Done>(act: (wish: Wish) => Promise<Done>, then?: (done: Done) => void) {
  const queries = useQueryClient();
  return useMutation<Done, ApiProblem, Wish>({
    mutationFn: act,
    onSuccess: (done) => {
      void queries.invalidateQueries({ queryKey: ["workflows"] });
      then?.(done);
    },
    onError: toastProblem,
  });
}

const path = (id: string) => ({ params: { path: { workflow_id: id } } });

export function copy({ id }: Listed) {
  return data(
    api.POST("/api/v1/workflows/{workflow_id}/copy", { ...path(id), body: { name: null }, headers: key() }),
  );
}

export function rename({ id, name }: { id: string; name: string }) {
  return data(api.PATCH("/api/v1/workflows/{workflow_id}", { ...path(id), body: body({ name }) }));
}

export function remove(id: string) {
  return api.DELETE("/api/v1/workflows/{workflow_id}", path(id));
}
