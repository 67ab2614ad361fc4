/** Every way a graph changes, as data; one function carries them out and none of them alters what it is given. */
import {
  closesCycle,
  edgeId,
  freeName,
  type Graph,
  type GraphEdge,
  type GraphNode,
  type GraphSettings,
  type Json,
  type Parameter,
  type Point,
  type Reuse,
  type When,
} from "./graph";

export type Change =
  /** Names that are taken get a number, and references among the added follow; edges to nowhere are left out. */
  | { type: "add"; nodes: readonly GraphNode[]; edges: readonly GraphEdge[] }
  /** Edges of a removed node go with it. */
  | { type: "remove"; nodes: readonly string[]; edges: readonly string[] }
  | { type: "move"; positions: Readonly<Record<string, Point>> }
  /** References `${name.outputs}` of the nodes below follow. */
  | { type: "rename"; node: string; name: string }
  /** A path into the settings; undefined removes what is there. */
  | { type: "set"; node: string; path: readonly string[]; value: Json | undefined }
  | { type: "skip"; nodes: readonly string[]; skip: boolean }
  | { type: "reuse"; node: string; reuse: Reuse }
  /** Nothing happens if there is one already, or it would close a circle. */
  | { type: "connect"; source: string; target: string; when?: When }
  | { type: "when"; edge: string; when: When }
  | { type: "parameters"; parameters: readonly Parameter[] }
  | { type: "settings"; settings: GraphSettings }
  | { type: "replace"; graph: Graph };

type Of<Type extends Change["type"]> = Extract<Change, { type: Type }>;

/** The graph after a change; the very same one if the change changes nothing. */
export function changed(graph: Graph, change: Change): Graph {
  switch (change.type) {
    case "add":
      return added(graph, change);
    case "remove":
      return removed(graph, change);
    case "move":
      return eachNode(graph, (node) => moved(node, change.positions[node.id]));
    case "rename":
      return renamed(graph, change);
    case "set":
      return eachNode(graph, (node) =>
        node.id === change.node
          ? { ...node, settings: withValue(node.settings, change.path, change.value) }
          : node,
      );
    case "skip":
      return eachNode(graph, (node) =>
        change.nodes.includes(node.id) && node.skip !== change.skip ? { ...node, skip: change.skip } : node,
      );
    case "reuse":
      return eachNode(graph, (node) => (node.id === change.node ? { ...node, reuse: change.reuse } : node));
    case "connect":
      return connected(graph, change);
    case "when":
      return eachEdge(graph, (edge) =>
        edge.id === change.edge && edge.when !== change.when ? { ...edge, when: change.when } : edge,
      );
    case "parameters":
      return { ...graph, parameters: change.parameters };
    case "settings":
      return { ...graph, settings: change.settings };
    case "replace":
      return change.graph;
  }
}

function eachNode(graph: Graph, change: (node: GraphNode) => GraphNode): Graph {
  const nodes = graph.nodes.map(change);
  return nodes.some((node, at) => node !== graph.nodes[at]) ? { ...graph, nodes } : graph;
}

function eachEdge(graph: Graph, change: (edge: GraphEdge) => GraphEdge): Graph {
  const edges = graph.edges.map(change);
  return edges.some((edge, at) => edge !== graph.edges[at]) ? { ...graph, edges } : graph;
}

function moved(node: GraphNode, to: Point | undefined): GraphNode {
  return to && (to.x !== node.position.x || to.y !== node.position.y) ? { ...node, position: to } : node;
}

function added(graph: Graph, change: Of<"add">): Graph {
  const nodes = [...graph.nodes];
  const names = new Map<string, string>();
  for (const node of change.nodes) {
    const name = freeName({ nodes }, node.name);
    if (name !== node.name) names.set(node.name, name);
    nodes.push({ ...node, name });
  }
  for (let at = graph.nodes.length; at < nodes.length; at += 1) {
    const node = nodes[at];
    if (node) nodes[at] = following(node, names);
  }
  const ids = new Set(nodes.map((node) => node.id));
  let next: Graph = { ...graph, nodes };
  for (const edge of change.edges) {
    if (ids.has(edge.source) && ids.has(edge.target)) next = connected(next, edge);
  }
  return next;
}

/** A node whose references to outputs name the nodes as they are called now. */
function following(node: GraphNode, names: ReadonlyMap<string, string>): GraphNode {
  const settings = replaced(node.settings as Json, (text) =>
    text.replace(OUTPUTS, (whole, name: string) => {
      const now = names.get(name);
      return now === undefined ? whole : outputsOf(now);
    }),
  ) as GraphNode["settings"];
  return settings === node.settings ? node : { ...node, settings };
}

function removed(graph: Graph, change: Of<"remove">): Graph {
  const [nodes, edges] = [new Set(change.nodes), new Set(change.edges)];
  return {
    ...graph,
    nodes: graph.nodes.filter((node) => !nodes.has(node.id)),
    edges: graph.edges.filter(
      (edge) => !edges.has(edge.id) && !nodes.has(edge.source) && !nodes.has(edge.target),
    ),
  };
}

function connected(graph: Graph, { source, target, when = "success" }: Omit<Of<"connect">, "type">): Graph {
  const id = edgeId(source, target);
  const there = graph.edges.some((edge) => edge.id === id);
  const known = [source, target].every((end) => graph.nodes.some((node) => node.id === end));
  if (there || !known || closesCycle(graph.edges, source, target)) return graph;
  return { ...graph, edges: [...graph.edges, { id, source, target, when }] };
}

function renamed(graph: Graph, { node: id, name }: Of<"rename">): Graph {
  const before = graph.nodes.find((node) => node.id === id);
  if (!before || before.name === name || graph.nodes.some((node) => node.name === name)) return graph;
  const below = new Set(graph.edges.filter((edge) => edge.source === id).map((edge) => edge.target));
  const names = new Map([[before.name, name]]);
  return eachNode(graph, (node) => {
    if (node.id === id) return { ...node, name };
    if (!below.has(node.id)) return node;
    return following(node, names);
  });
}

/** Not where the dollar sign is written twice, and so means itself. */
const OUTPUTS = /(?<!\$)\$\{([^${}]+)\.outputs\}/g;

function outputsOf(name: string): string {
  return `\${${name}.outputs}`;
}

function replaced(value: Json, change: (text: string) => string): Json {
  if (typeof value === "string") return change(value);
  if (Array.isArray(value)) {
    const items = value.map((item) => replaced(item, change));
    return items.some((item, at) => item !== value[at]) ? items : value;
  }
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).map(([key, inner]) => [key, replaced(inner, change)] as const);
  return entries.some(([key, inner]) => inner !== value[key]) ? Object.fromEntries(entries) : value;
}

/** Settings with another value at a path; undefined takes what is there away, and what that leaves empty. */
export function withValue(
  settings: GraphNode["settings"],
  path: readonly string[],
  value: Json | undefined,
): GraphNode["settings"] {
  const [key, ...rest] = path;
  if (key === undefined) return settings;
  const { [key]: inner, ...others } = settings;
  if (rest.length === 0) return value === undefined ? others : { ...settings, [key]: value };
  const object = typeof inner === "object" && inner !== null && !Array.isArray(inner) ? inner : {};
  const next = withValue(object, rest, value);
  return Object.keys(next).length ? { ...settings, [key]: next as Json } : others;
}
