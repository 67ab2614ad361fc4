/** The graph a person edits: the wire's `Graph` and `Layout` in one, with ids that a rename does not change. */

export type Json = string | number | boolean | null | Json[] | { [key: string]: Json };
export type Settings = Readonly<Record<string, Json>>;
export type Kind = "pytorch" | "dataset";
export type When = "success" | "failure" | "always";

export interface Point {
  readonly x: number;
  readonly y: number;
}

export interface Reuse {
  readonly mode: "off" | "on";
  readonly max_age_seconds?: number | null;
}

export interface GraphNode {
  /** Ours alone: the wire knows nodes by their names. */
  readonly id: string;
  readonly name: string;
  readonly kind: Kind;
  readonly skip: boolean;
  readonly reuse: Reuse;
  readonly settings: Settings;
  readonly position: Point;
}

export interface GraphEdge {
  readonly id: string;
  readonly source: string;
  readonly target: string;
  readonly when: When;
}

export interface Parameter {
  readonly name: string;
  readonly type: "string" | "integer" | "number" | "boolean" | "choice";
  readonly default?: string | number | boolean | null;
  readonly choices?: readonly (string | number | boolean)[];
  readonly description?: string;
}

export interface GraphSettings {
  readonly parallelism?: number | null;
  readonly concurrent_runs?: number;
  readonly when_busy?: "queue" | "refuse";
  readonly on_failure?: "finish_independent" | "start_nothing_new";
  readonly time_zone?: string;
}

export interface Graph {
  readonly nodes: readonly GraphNode[];
  readonly edges: readonly GraphEdge[];
  readonly parameters: readonly Parameter[];
  readonly settings: GraphSettings;
}

export const EMPTY: Graph = { nodes: [], edges: [], parameters: [], settings: {} };

export function edgeId(source: string, target: string): string {
  return `${source}>${target}`;
}

export function nodeById(graph: Graph, id: string): GraphNode | undefined {
  return graph.nodes.find((node) => node.id === id);
}

/** A name that no node has yet: `train`, `train-2`, `train-3`… */
export function freeName(graph: Pick<Graph, "nodes">, wanted: string): string {
  const taken = new Set(graph.nodes.map((node) => node.name));
  if (!taken.has(wanted)) return wanted;
  const stem = wanted.replace(/-\d+$/, "");
  let number = 2;
  while (taken.has(`${stem}-${number}`)) number += 1;
  return `${stem}-${number}`;
}

/** Letters of any script, digits, `_` and `-`: what the platform takes for a node's name. */
export function legalName(name: string): boolean {
  return /^[\p{L}\p{M}\p{N}_-]{1,64}$/u.test(name.normalize("NFC"));
}

/** What a file or a person calls something, made a name. */
export function nameFrom(text: string): string {
  const stem = text.replace(/\.[^.]*$/, "").normalize("NFC");
  const legal = stem.replace(/[^\p{L}\p{M}\p{N}_-]+/gu, "-").replace(/^-+|-+$/g, "");
  return [...legal].slice(0, 64).join("") || "node";
}

/** Whether an edge from `source` to `target` would close a circle, or is one itself. */
export function closesCycle(edges: readonly GraphEdge[], source: string, target: string): boolean {
  const below = new Map<string, string[]>();
  for (const edge of edges) below.set(edge.source, [...(below.get(edge.source) ?? []), edge.target]);
  const open = [target];
  const seen = new Set<string>();
  for (let id = open.pop(); id !== undefined; id = open.pop()) {
    if (id === source) return true;
    if (seen.has(id)) continue;
    seen.add(id);
    open.push(...(below.get(id) ?? []));
  }
  return false;
}
