/** Puts a template's nodes below what is there already. */
import { useCallback } from "react";
import { toastProblem } from "@/ui/toast";
import type { Graph, Point } from "./model/graph";
import { templateGraph } from "./server/templates";
import { graphOf } from "./server/workflow";
import type { EditorStore } from "./store/editor";

const BELOW = 160;

export function useTemplates(store: EditorStore): (name: string, at?: Point) => void {
  return useCallback(
    (name, at) => {
      templateGraph(name)
        .then((made) => put(store, graphOf(made), at))
        .catch(toastProblem);
    },
    [store],
  );
}

function put(store: EditorStore, { nodes, edges, parameters }: Graph, at: Point | undefined): void {
  const { history, change, select } = store.getState();
  const corner = {
    x: Math.min(...nodes.map((node) => node.position.x)),
    y: Math.min(...nodes.map((node) => node.position.y)),
  };
  const free = {
    x: corner.x,
    y: Math.max(corner.y, ...history.graph.nodes.map((node) => node.position.y + BELOW)),
  };
  const to = at ?? free;
  const moved = nodes.map((node) => ({
    ...node,
    position: {
      x: Math.round(node.position.x - corner.x + to.x),
      y: Math.round(node.position.y - corner.y + to.y),
    },
  }));
  const known = new Set(history.graph.parameters.map((parameter) => parameter.name));
  const more = parameters.filter((parameter) => !known.has(parameter.name));
  change({ type: "add", nodes: moved, edges });
  if (more.length) change({ type: "parameters", parameters: [...history.graph.parameters, ...more] });
  select(moved.map((node) => node.id));
}
