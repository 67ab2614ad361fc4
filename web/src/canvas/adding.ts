/** New nodes: what they are called, where they go, what they are tied to. */
import type { Change } from "./model/changes";
import {
  edgeId,
  type Graph,
  type GraphEdge,
  type GraphNode,
  type Kind,
  type Point,
  type Settings,
} from "./model/graph";

const APART = { x: 280, y: 110 };
const NAMES: Record<Kind, string> = { pytorch: "pytorch", dataset: "data" };

interface Wanted {
  kind: Kind;
  name?: string;
  settings?: Settings;
  /** Where; beside what it is tied to if left out. */
  at?: Point | undefined;
  /** What it is tied to, and on which side of that it stands. */
  tie?: { node: string; side: "source" | "target" } | undefined;
}

export function newNode(kind: Kind, position: Point, name = NAMES[kind], settings: Settings = {}): GraphNode {
  return {
    id: crypto.randomUUID(),
    name,
    kind,
    skip: false,
    reuse: { mode: "off" },
    settings,
    position,
  };
}

/** The change that adds a node and ties it, and the node's id. */
export function adding(graph: Graph, wanted: Wanted): { change: Change; id: string } {
  const anchor = graph.nodes.find((node) => node.id === wanted.tie?.node);
  const before = wanted.tie?.side === "target";
  const beside = anchor && {
    x: anchor.position.x + (before ? -APART.x : APART.x),
    y: anchor.position.y,
  };
  const node = newNode(
    wanted.kind,
    freePlace(graph, wanted.at ?? beside ?? { x: 0, y: 0 }),
    wanted.name,
    wanted.settings,
  );
  const edges: GraphEdge[] = [];
  if (anchor) {
    const [source, target] = before ? [node.id, anchor.id] : [anchor.id, node.id];
    edges.push({ id: edgeId(source, target), source, target, when: "success" });
  }
  return { change: { type: "add", nodes: [node], edges }, id: node.id };
}

/** What a node of this kind is tied to when it is dropped while one is selected. */
export function tieTo(graph: Graph, selection: readonly string[], kind: Kind): Wanted["tie"] {
  const [only] = selection;
  if (only === undefined || selection.length !== 1) return undefined;
  const selected = graph.nodes.find((node) => node.id === only);
  if (!selected) return undefined;
  // Data stands in front of what uses it.
  if (kind === "dataset") return selected.kind === "pytorch" ? { node: only, side: "target" } : undefined;
  return { node: only, side: "source" };
}

/** The place, or the next one below that no node covers. */
function freePlace(graph: Graph, wanted: Point): Point {
  const covered = (at: Point) =>
    graph.nodes.some(
      ({ position }) =>
        Math.abs(position.x - at.x) < APART.x - 40 && Math.abs(position.y - at.y) < APART.y - 20,
    );
  let place = { x: Math.round(wanted.x), y: Math.round(wanted.y) };
  while (covered(place)) place = { x: place.x, y: place.y + APART.y };
  return place;
}

/** The node that an arrow key leads to. */
export function neighbour(
  graph: Graph,
  from: string | undefined,
  key: "ArrowLeft" | "ArrowRight" | "ArrowUp" | "ArrowDown",
): string | undefined {
  const node = graph.nodes.find((one) => one.id === from);
  if (!node) return graph.nodes[0]?.id;
  const along = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[key] as [
    number,
    number,
  ];
  const tied = new Set(
    graph.edges.flatMap((edge) =>
      key === "ArrowRight" && edge.source === node.id
        ? [edge.target]
        : key === "ArrowLeft" && edge.target === node.id
          ? [edge.source]
          : [],
    ),
  );
  const candidates = tied.size ? graph.nodes.filter((one) => tied.has(one.id)) : graph.nodes;
  let best: { id: string; cost: number } | undefined;
  for (const one of candidates) {
    if (one.id === node.id) continue;
    const [dx, dy] = [one.position.x - node.position.x, one.position.y - node.position.y];
    const ahead = dx * along[0] + dy * along[1];
    if (!tied.size && ahead <= 0) continue;
    const cost = Math.abs(ahead) + 2 * Math.abs(dx * along[1] + dy * along[0]);
    if (!best || cost < best.cost) best = { id: one.id, cost };
  }
  return best?.id;
}
