/** Workflows that come with the platform, to begin with. */
import { queryOptions } from "@tanstack/react-query";
import { api, data } from "@/api/client";
import { language } from "@/i18n";
import type { Workflow } from "./workflow";

export const templatesQuery = queryOptions({
  queryKey: ["templates"],
  queryFn: () => data(api.GET("/api/v1/templates")),
  staleTime: Number.POSITIVE_INFINITY,
});

/** The graph of a template, its files on the platform: taken from a workflow that is made for it and removed again. */
export async function templateGraph(name: string): Promise<Workflow> {
  const made = await data(
    api.POST("/api/v1/templates/{name}", {
      params: { path: { name } },
      body: { language: language(), name: null },
    }),
  );
  await api.DELETE("/api/v1/workflows/{workflow_id}", { params: { path: { workflow_id: made.id } } });
  return made;
}
