/** What React Flow draws, made from the graph; what did not change stays the same object, so it is not drawn again. */
import type { Edge, Node } from "@xyflow/react";
import type { Graph, GraphNode, When } from "../model/graph";

export type FlowNode = Node<{ node: GraphNode }, "job">;
export type FlowEdge = Edge<{ when: When; target: string }, "order">;

export const NODE_WIDTH = 208;

export function flowNodes(graph: Graph, before: readonly FlowNode[]): FlowNode[] {
  const known = new Map(before.map((node) => [node.id, node]));
  return graph.nodes.map((node) => {
    const old = known.get(node.id);
    const still = old && old.position.x === node.position.x && old.position.y === node.position.y;
    if (old && still && old.data.node === node) return old;
    return {
      ...(old ?? { type: "job" as const, selected: false }),
      id: node.id,
      position: node.position,
      data: { node },
    };
  });
}

export function flowEdges(graph: Graph, before: readonly FlowEdge[]): FlowEdge[] {
  const known = new Map(before.map((edge) => [edge.id, edge]));
  const names = new Map(graph.nodes.map((node) => [node.id, node.name]));
  return graph.edges.map((edge) => {
    const old = known.get(edge.id);
    const target = names.get(edge.target) ?? "";
    if (old?.data?.when === edge.when && old.data.target === target) return old;
    return {
      ...(old ?? { type: "order" as const, selected: false }),
      id: edge.id,
      source: edge.source,
      target: edge.target,
      data: { when: edge.when, target },
      ariaLabel: `${names.get(edge.source) ?? ""} → ${target}`,
    };
  });
}

/** With exactly these selected. */
export function choosing<T extends { id: string; selected?: boolean }>(
  all: T[],
  ids: ReadonlySet<string>,
): T[] {
  const next = all.map((one) =>
    Boolean(one.selected) === ids.has(one.id) ? one : { ...one, selected: ids.has(one.id) },
  );
  return next.some((one, at) => one !== all[at]) ? next : all;
}
