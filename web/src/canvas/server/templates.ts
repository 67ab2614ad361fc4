/** Workflows that come with the platform, to begin with. */
import { queryOptions } from "@tanstack/react-query";
import { api, data, type Schema } from "@/api/client";

export const templatesQuery = queryOptions({
  queryKey: ["templates"],
  queryFn: () => data(api.GET("/api/v1/templates")),
  staleTime: Number.POSITIVE_INFINITY,
});

/** What a template draws; its files are on the platform then. */
export function templateGraph(name: string): Promise<Schema<"TemplateDetail">> {
  return data(api.GET("/api/v1/templates/{name}", { params: { path: { name } } }));
}
