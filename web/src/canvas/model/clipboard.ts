/** Copy and paste as JSON text, also between workflows, windows and people. */
import { type Graph, type GraphEdge, type GraphNode, nodeById, type Point } from "./graph";
import { fromWire, type WireEdge, type WireGraph, type WireNode } from "./wire";

const MARK = "torchyard/nodes";
const SHIFT = 40;

interface Clip {
  type: typeof MARK;
  nodes: WireNode[];
  edges: WireEdge[];
  positions: Record<string, Point>;
  /** Edges into the copied nodes from others, for pasting with incoming edges. */
  incoming: WireEdge[];
}

export function copied(graph: Graph, ids: readonly string[]): string {
  const chosen = new Set(ids);
  const name = (id: string) => nodeById(graph, id)?.name ?? "";
  const wire = (edge: GraphEdge): WireEdge => ({
    source: name(edge.source),
    target: name(edge.target),
    when: edge.when,
  });
  const nodes = graph.nodes.filter((node) => chosen.has(node.id));
  const into = graph.edges.filter((edge) => chosen.has(edge.target));
  const clip: Clip = {
    type: MARK,
    nodes: nodes.map(({ name, kind, skip, reuse, settings }) => ({ name, kind, skip, reuse, settings })),
    edges: into.filter((edge) => chosen.has(edge.source)).map(wire),
    incoming: into.filter((edge) => !chosen.has(edge.source)).map(wire),
    positions: Object.fromEntries(nodes.map((node) => [node.name, node.position])),
  };
  return JSON.stringify(clip, null, 2);
}

export interface Pasted {
  nodes: GraphNode[];
  edges: GraphEdge[];
}

/** Nodes and edges to add; undefined if the text is nothing of ours.
 *
 * @param at Where their upper left corner goes; beside the originals if left out.
 * @param keepIncoming Whether edges from nodes that were not copied come along, where those are in `graph`.
 */
export function pasted(text: string, graph: Graph, at?: Point, keepIncoming = false): Pasted | undefined {
  const clip = parsed(text);
  if (!clip) return undefined;
  const { nodes, edges } = fromWire({ nodes: clip.nodes, edges: clip.edges } as Partial<WireGraph>, {
    positions: clip.positions,
  });
  const corner = {
    x: Math.min(...nodes.map((n) => n.position.x)),
    y: Math.min(...nodes.map((n) => n.position.y)),
  };
  const shift = at ? { x: at.x - corner.x, y: at.y - corner.y } : aside(graph, nodes);
  const placed = nodes.map((node) => ({
    ...node,
    position: { x: node.position.x + shift.x, y: node.position.y + shift.y },
  }));
  const incoming = keepIncoming ? clip.incoming.flatMap((edge) => incomingEdge(edge, graph, placed)) : [];
  return { nodes: placed, edges: [...edges, ...incoming] };
}

/** Beside the originals, and beside what was pasted there before. */
function aside(graph: Graph, nodes: readonly GraphNode[]): Point {
  const taken = new Set(graph.nodes.map(({ position: { x, y } }) => `${x} ${y}`));
  let by = SHIFT;
  while (nodes.some(({ position: { x, y } }) => taken.has(`${x + by} ${y + by}`))) by += SHIFT;
  return { x: by, y: by };
}

function incomingEdge(edge: WireEdge, graph: Graph, placed: readonly GraphNode[]): GraphEdge[] {
  const source = graph.nodes.find((node) => node.name === edge.source);
  const target = placed.find((node) => node.name === edge.target);
  if (!source || !target) return [];
  return [
    { id: `${source.id}>${target.id}`, source: source.id, target: target.id, when: edge.when ?? "success" },
  ];
}

function parsed(text: string): Clip | undefined {
  try {
    const value = JSON.parse(text) as Partial<Clip> | null;
    const ours =
      value?.type === MARK &&
      Array.isArray(value.nodes) &&
      value.nodes.every((node) => typeof node?.name === "string");
    if (!ours || !value.nodes?.length) return undefined;
    return {
      type: MARK,
      nodes: value.nodes,
      edges: value.edges ?? [],
      positions: value.positions ?? {},
      incoming: value.incoming ?? [],
    };
  } catch {
    return undefined;
  }
}
