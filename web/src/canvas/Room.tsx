/** Keeps in sight what is in sight when there is more or less room for it. */
import { getViewportForBounds, type Rect, useReactFlow, useStore, type Viewport } from "@xyflow/react";
import { useEffect, useRef } from "react";
import { FARTHEST, FIT } from "./view";

interface Size {
  left: number;
  top: number;
  width: number;
  height: number;
  /** Of the browser's window. */
  window: string;
}

export function Room() {
  const width = useStore((state) => state.width);
  const height = useStore((state) => state.height);
  const pane = useStore((state) => state.domNode);
  const flow = useReactFlow();
  const before = useRef<Size>(undefined);
  useEffect(() => {
    if (!pane || !width || !height) return;
    const { left, top } = pane.getBoundingClientRect();
    const now = { left, top, width, height, window: `${window.innerWidth} ${window.innerHeight}` };
    const old = before.current;
    before.current = now;
    const nodes = flow.getNodes();
    if (!old || !nodes.length) return;
    const view = flow.getViewport();
    const bounds = flow.getNodesBounds(nodes);
    void flow.setViewport(alike(view, fitted(bounds, old)) ? fitted(bounds, now) : moved(view, old, now));
  }, [pane, width, height, flow]);
  return null;
}

function fitted(bounds: Rect, { width, height }: Size): Viewport {
  return getViewportForBounds(bounds, width, height, FARTHEST, FIT.maxZoom, FIT.padding);
}

/** With the window the middle stays the middle; what opens or closes beside the canvas moves nothing on it. */
function moved({ x, y, zoom }: Viewport, old: Size, now: Size): Viewport {
  return old.window === now.window
    ? { x: x + old.left - now.left, y: y + old.top - now.top, zoom }
    : { x: x + (now.width - old.width) / 2, y: y + (now.height - old.height) / 2, zoom };
}

function alike(one: Viewport, other: Viewport): boolean {
  const far = Math.max(Math.abs(one.x - other.x), Math.abs(one.y - other.y));
  return far < 1 && Math.abs(one.zoom - other.zoom) < 0.001;
}
