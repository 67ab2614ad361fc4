/** What part of the canvas is seen. */
import { useReactFlow } from "@xyflow/react";
import { useMemo } from "react";
import type { Point } from "./model/graph";

const SOFTLY = { duration: 160 };
/** How all of it is brought into sight. */
export const FIT = { padding: 0.1, maxZoom: 1 };
const FIT_SOFTLY = { ...FIT, ...SOFTLY };
export const FARTHEST = 0.05;
/** Under this height nothing lies over the nodes: they are all there is room for. */
export const BARE = 140;

export interface View {
  fit: () => void;
  fitTo: (ids: readonly string[]) => void;
  /** Brings nodes into sight without changing the scale. */
  show: (ids: readonly string[]) => void;
  /** Whether all of a node is on screen. */
  sees: (id: string) => boolean;
  natural: () => void;
  closer: () => void;
  farther: () => void;
  /** From the screen to the canvas. */
  place: (screen: Point) => Point;
  /** The middle of what is seen. */
  middle: () => { screen: Point; at: Point };
}

/** The element that shows the canvas; there is one on a page. */
export function pane(): HTMLElement | null {
  return document.querySelector<HTMLElement>(".react-flow");
}

export function nodeBox(id: string): HTMLElement | null {
  return document.querySelector<HTMLElement>(`[data-node="${CSS.escape(id)}"]`);
}

/** A node that was just added is hidden until it was measured, and takes no focus before that. */
const FRAMES = 8;

/** The keys go on from this node, or from the canvas if it is not drawn. */
export function focusNode(id: string, frames = FRAMES): void {
  const box = nodeBox(id);
  (box ?? pane())?.focus({ preventScroll: true });
  if (document.activeElement === box || frames === 0) return;
  requestAnimationFrame(() => focusNode(id, frames - 1));
}

export function useView(): View {
  const flow = useReactFlow();
  return useMemo(() => {
    const middle = () => {
      const box = pane()?.getBoundingClientRect();
      const screen = { x: (box?.x ?? 0) + (box?.width ?? 0) / 2, y: (box?.y ?? 0) + (box?.height ?? 0) / 2 };
      return { screen, at: flow.screenToFlowPosition(screen) };
    };
    return {
      fit: () => void flow.fitView(FIT_SOFTLY),
      fitTo: (ids) => void flow.fitView({ ...FIT_SOFTLY, nodes: ids.map((id) => ({ id })) }),
      show: (ids) =>
        void flow.fitView({
          ...SOFTLY,
          nodes: ids.map((id) => ({ id })),
          minZoom: flow.getZoom(),
          maxZoom: flow.getZoom(),
        }),
      sees: (id) => {
        const outer = pane()?.getBoundingClientRect();
        const inner = nodeBox(id)?.getBoundingClientRect();
        if (!outer || !inner) return false;
        const across = inner.left >= outer.left && inner.right <= outer.right;
        return across && inner.top >= outer.top && inner.bottom <= outer.bottom;
      },
      natural: () => void flow.zoomTo(1, SOFTLY),
      closer: () => void flow.zoomIn(SOFTLY),
      farther: () => void flow.zoomOut(SOFTLY),
      place: (screen) => flow.screenToFlowPosition(screen),
      middle,
    };
  }, [flow]);
}
