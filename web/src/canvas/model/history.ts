/** Undo and redo: the changes that were made, each with the graph before it. */
import { type Change, changed } from "./changes";
import type { Graph } from "./graph";

interface Step {
  readonly change: Change;
  readonly before: Graph;
}

export interface History {
  readonly graph: Graph;
  readonly past: readonly Step[];
  readonly future: readonly Step[];
}

/** Steps that can be undone; graphs share what they have in common, so each costs little. */
const MOST = 500;

export function started(graph: Graph): History {
  return { graph, past: [], future: [] };
}

/** After a change. What is typed into one field, one letter after the other, is one step. */
export function advanced(history: History, change: Change): History {
  const graph = changed(history.graph, change);
  if (graph === history.graph) return history;
  const last = history.past.at(-1);
  if (last && history.future.length === 0 && continues(last.change, change)) {
    return { graph, past: [...history.past.slice(0, -1), { change, before: last.before }], future: [] };
  }
  return { graph, past: [...history.past, { change, before: history.graph }].slice(-MOST), future: [] };
}

export function undone(history: History): History {
  const step = history.past.at(-1);
  if (!step) return history;
  return { graph: step.before, past: history.past.slice(0, -1), future: [...history.future, step] };
}

export function redone(history: History): History {
  const step = history.future.at(-1);
  if (!step) return history;
  const { graph } = history;
  return {
    graph: changed(graph, step.change),
    past: [...history.past, { change: step.change, before: graph }],
    future: history.future.slice(0, -1),
  };
}

/** Ends a run of typing: the next change is a step of its own. */
export function closed(history: History): History {
  const last = history.past.at(-1);
  if (last?.change.type !== "set") return history;
  const sealed: Step = { change: { type: "replace", graph: history.graph }, before: last.before };
  return { ...history, past: [...history.past.slice(0, -1), sealed] };
}

function continues(last: Change, change: Change): boolean {
  if (last.type !== "set" || change.type !== "set") return false;
  const typed = typeof change.value === "string" && typeof last.value === "string";
  return typed && last.node === change.node && last.path.join("\n") === change.path.join("\n");
}
