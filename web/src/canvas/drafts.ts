/** What was drawn and not yet saved, kept in this browser until it is. */
import type { Graph } from "./model/graph";
import { fromWire, positionsOf, toWire, type WireGraph, type WireLayout } from "./model/wire";

export interface Draft {
  /** The version that was changed. */
  base: number;
  /** When the latest change was made, in ISO 8601. */
  at: string;
  graph: WireGraph;
  layout: WireLayout;
}

const key = (workflow: string) => `torchyard.draft.${workflow}`;

/** Whether it could be kept; a browser may be out of room. */
export function keepDraft(workflow: string, base: number, graph: Graph): boolean {
  const draft: Draft = {
    base,
    at: new Date().toISOString(),
    graph: toWire(graph),
    layout: { positions: positionsOf(graph) },
  };
  try {
    localStorage.setItem(key(workflow), JSON.stringify(draft));
    return true;
  } catch {
    return false;
  }
}

export function dropDraft(workflow: string): void {
  localStorage.removeItem(key(workflow));
}

export function keptDraft(workflow: string): Draft | undefined {
  try {
    const found = JSON.parse(localStorage.getItem(key(workflow)) ?? "null") as Draft | null;
    return found && Array.isArray(found.graph?.nodes) ? found : undefined;
  } catch {
    return undefined;
  }
}

export function draftGraph(draft: Draft, known?: Graph): Graph {
  return fromWire(draft.graph, draft.layout, known);
}
