/** From the platform's graph and layout to ours, and back. */
import {
  edgeId,
  type Graph,
  type GraphNode,
  type GraphSettings,
  type Parameter,
  type Point,
  type Reuse,
  type Settings,
  type When,
} from "./graph";

export interface WireNode {
  name: string;
  kind?: "pytorch" | "dataset";
  skip?: boolean;
  reuse?: Reuse;
  settings?: Settings;
}

export interface WireEdge {
  source: string;
  target: string;
  when?: When;
}

export interface WireGraph {
  nodes: WireNode[];
  edges: WireEdge[];
  parameters: Parameter[];
  settings: GraphSettings;
}

export interface WireLayout {
  positions: Record<string, Point>;
  viewport?: { x: number; y: number; zoom: number } | null;
}

const APART = { x: 280, y: 120 };

/** Nodes keep the ids they have in `known` (by name), so that a reload is no new drawing. */
export function fromWire(graph: Partial<WireGraph>, layout: Partial<WireLayout>, known?: Graph): Graph {
  const ids = new Map(known?.nodes.map((node) => [node.name, node.id]));
  const byName = new Map<string, string>();
  const nodes = (graph.nodes ?? []).map((node, at): GraphNode => {
    const id = (byName.has(node.name) ? undefined : ids.get(node.name)) ?? crypto.randomUUID();
    if (!byName.has(node.name)) byName.set(node.name, id);
    const place = layout.positions?.[node.name];
    return {
      id,
      name: node.name,
      kind: node.kind ?? "pytorch",
      skip: node.skip ?? false,
      reuse: node.reuse ?? { mode: "off" },
      settings: node.settings ?? {},
      position: place
        ? { x: place.x, y: place.y }
        : { x: (at % 4) * APART.x, y: Math.floor(at / 4) * APART.y },
    };
  });
  const edges = (graph.edges ?? []).flatMap(({ source, target, when }) => {
    const [from, to] = [byName.get(source), byName.get(target)];
    return from && to ? [{ id: edgeId(from, to), source: from, target: to, when: when ?? "success" }] : [];
  });
  return { nodes, edges, parameters: graph.parameters ?? [], settings: graph.settings ?? {} };
}

export function toWire(graph: Graph): WireGraph {
  const names = new Map(graph.nodes.map((node) => [node.id, node.name]));
  return {
    nodes: graph.nodes.map(({ name, kind, skip, reuse, settings }) => ({
      name,
      kind,
      skip,
      reuse,
      settings,
    })),
    edges: graph.edges.flatMap(({ source, target, when }) => {
      const [from, to] = [names.get(source), names.get(target)];
      return from && to ? [{ source: from, target: to, when }] : [];
    }),
    parameters: [...graph.parameters],
    settings: graph.settings,
  };
}

export function positionsOf(graph: Graph): Record<string, Point> {
  return Object.fromEntries(graph.nodes.map((node) => [node.name, node.position]));
}

/** What a run would do: equal for two graphs in which only boxes stand elsewhere. */
export function meaning(graph: Graph): string {
  return JSON.stringify(toWire(graph));
}
