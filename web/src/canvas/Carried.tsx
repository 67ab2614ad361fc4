/** Moves on the screen what is held, without drawing any of it again. */
import { useStore } from "@xyflow/react";
import { useEffect } from "react";
import { useEditorParts } from "./context";
import type { Point } from "./model/graph";
import type { EditorStore } from "./store/editor";
import type { Held } from "./store/held";

type Element = HTMLElement | SVGElement;
const LAYERS = ".react-flow__nodes, .react-flow__edges, .react-flow__edgelabel-renderer";

export function Carried() {
  const { store } = useEditorParts();
  const pane = useStore((state) => state.domNode);
  useEffect(() => (pane ? carrying(store, pane) : undefined), [store, pane]);
  return null;
}

function carrying(store: EditorStore, pane: HTMLElement): () => void {
  const layers = [...pane.querySelectorAll<HTMLElement>(LAYERS)];
  const touched = new Set<Element>();
  let apart: readonly Element[] | undefined;
  // What was out of sight is drawn once something is held: it is then a part of it.
  const observer = new MutationObserver(() => {
    apart = undefined;
    const { held } = store.getState();
    if (held) carry(held);
  });

  function move(elements: Iterable<Element>, by: Point): void {
    const text = `${by.x}px ${by.y}px`;
    for (const element of elements) {
      element.style.translate = text;
      touched.add(element);
    }
  }

  function carry(held: Held): void {
    apart ??= drawnApart(pane, held, store);
    move(layers, held.all);
    move(apart, held.apartBy);
    // The frame around what was selected moves with what is held, whichever of the two is moved.
    const by = held.all.x || held.all.y ? held.all : held.apartBy;
    move(pane.querySelectorAll<HTMLElement>(".react-flow__nodesselection-rect"), by);
  }

  function release(): void {
    observer.disconnect();
    for (const element of touched) element.style.translate = "";
    touched.clear();
    apart = undefined;
  }

  const stop = store.subscribe(({ held }, { held: before }) => {
    if (held === before) return;
    if (!held) return release();
    if (!before) for (const layer of layers) observer.observe(layer, { childList: true });
    carry(held);
  });
  return () => {
    stop();
    release();
  };
}

/** The nodes, the edges between them, and what is written on those. */
function drawnApart(pane: HTMLElement, { apart }: Held, store: EditorStore): readonly Element[] {
  if (!apart.size) return [];
  const edges = new Set(
    store
      .getState()
      .edges.filter(({ source, target }) => apart.has(source) && apart.has(target))
      .map(({ id }) => id),
  );
  const nodes = pane.querySelectorAll<HTMLElement>(".react-flow__node");
  const drawn = pane.querySelectorAll<SVGElement>(".react-flow__edge");
  const labels = pane.querySelectorAll<HTMLElement>("[data-edge]");
  return [
    ...[...nodes].filter(({ dataset }) => apart.has(dataset["id"] ?? "")),
    ...[...drawn]
      .filter(({ dataset }) => edges.has(dataset["id"] ?? ""))
      .flatMap((edge) => edge.closest("svg") ?? []),
    ...[...labels].filter(({ dataset }) => edges.has(dataset["edge"] ?? "")),
  ];
}
