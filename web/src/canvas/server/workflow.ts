/** A workflow of the platform: read, saved, laid out, called otherwise. */
import { queryOptions } from "@tanstack/react-query";
import { body } from "@/api/body";
import { type ApiProblem, api, data, type Schema } from "@/api/client";
import type { Graph } from "../model/graph";
import { fromWire, positionsOf, toWire, type WireGraph, type WireLayout } from "../model/wire";

export type Workflow = Schema<"Workflow">;
export type Difference = Schema<"Difference">;

export function workflowQuery(id: string) {
  return queryOptions({
    queryKey: ["workflow", id],
    queryFn: () =>
      data(api.GET("/api/v1/workflows/{workflow_id}", { params: { path: { workflow_id: id } } })),
    // What is being edited is not taken from under a person's hands: the save finds out who was first.
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: 0,
  });
}

export function graphOf(workflow: Pick<Workflow, "graph" | "layout">, known?: Graph): Graph {
  return fromWire(workflow.graph as WireGraph, workflow.layout as WireLayout, known);
}

export function wireOf(graph: Graph): Schema<"Graph"> {
  return toWire(graph) as Schema<"Graph">;
}

export function layoutOf(graph: Graph): Schema<"Layout"> {
  return body({ positions: positionsOf(graph) });
}

export function saveWorkflow(id: string, base: number, graph: Graph): Promise<Workflow> {
  return data(
    api.PUT("/api/v1/workflows/{workflow_id}", {
      params: { path: { workflow_id: id }, header: { "If-Match": `"${base}"` } },
      body: body({ graph: wireOf(graph), layout: layoutOf(graph) }),
    }),
  );
}

export function saveLayout(id: string, graph: Graph): Promise<unknown> {
  return api.PUT("/api/v1/workflows/{workflow_id}/layout", {
    params: { path: { workflow_id: id } },
    body: layoutOf(graph),
  });
}

export function renameWorkflow(id: string, name: string): Promise<Workflow> {
  return data(
    api.PATCH("/api/v1/workflows/{workflow_id}", {
      params: { path: { workflow_id: id } },
      body: body({ name }),
    }),
  );
}

export function makeWorkflow(name: string, graph: Graph): Promise<Workflow> {
  return data(
    api.POST("/api/v1/workflows", { body: body({ name, graph: wireOf(graph), layout: layoutOf(graph) }) }),
  );
}

/** What a refused save tells: what others saved since, and what one would save over it. */
export interface Conflict {
  current: number;
  theirs: Difference;
  yours: Difference;
}

export function conflictOf(problem: ApiProblem): Conflict | undefined {
  if (problem.status !== 412) return undefined;
  return problem.body as unknown as Conflict;
}

/** How each node stands before the next run, as the platform finds it. */
export function summariesQuery(id: string) {
  return queryOptions({
    queryKey: ["workflow-nodes", id],
    queryFn: () =>
      data(api.GET("/api/v1/workflows/{workflow_id}/nodes", { params: { path: { workflow_id: id } } })),
    refetchInterval: 20_000,
  });
}
