/** Puts a template's nodes below what is there already. */
import { useCallback } from "react";
import { toastProblem } from "@/ui/toast";
import { changed } from "./model/changes";
import type { Graph, Point } from "./model/graph";
import { templateGraph } from "./server/templates";
import { graphOf } from "./server/workflow";
import type { EditorStore } from "./store/editor";
import { useView } from "./view";

const BELOW = 160;

export function useTemplates(store: EditorStore): (name: string, at?: Point) => void {
  const view = useView();
  return useCallback(
    (name, at) => {
      templateGraph(name)
        .then((made) => {
          const ids = put(store, graphOf(made), at);
          if (!at) requestAnimationFrame(() => view.fitTo(ids));
        })
        .catch(toastProblem);
    },
    [store, view],
  );
}

function put(store: EditorStore, { nodes, edges, parameters }: Graph, at: Point | undefined): string[] {
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
  const added = changed(history.graph, { type: "add", nodes: moved, edges });
  change({ type: "replace", graph: { ...added, parameters: [...history.graph.parameters, ...more] } });
  const ids = moved.map((node) => node.id);
  select(ids);
  return ids;
}
