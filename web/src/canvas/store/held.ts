/**
 * Many nodes on their way: how far they are is told once, not in each of them, until they are let go. All that is
 * drawn is moved as a whole, and what stays is moved back, if that is less; else what is held is moved by itself.
 */
import type { NodeChange } from "@xyflow/react";
import type { Point } from "../model/graph";
import type { FlowNode } from "./flow";

/** As many are moved one by one, each with its edges, without a frame being missed. */
const FEW = 20;
const NOWHERE: Point = { x: 0, y: 0 };

export interface Held {
  /** How far all that is drawn is moved. */
  readonly all: Point;
  /** Nodes that are moved on top of that, and how far. */
  readonly apart: ReadonlySet<string>;
  readonly apartBy: Point;
}

/** What is held after the canvas told of these changes; if it is another, there is nothing to apply. */
export function heldAfter(
  changes: readonly NodeChange<FlowNode>[],
  nodes: readonly FlowNode[],
  before: Held | undefined,
): Held | undefined {
  const [first] = changes;
  if (first?.type !== "position") return before;
  const from = nodes.find((node) => node.id === first.id)?.position;
  if (changes.length <= FEW || !first.dragging || !first.position || !from) return undefined;
  const by = { x: first.position.x - from.x, y: first.position.y - from.y };
  const most = changes.length * 2 > nodes.length;
  return {
    all: most ? by : NOWHERE,
    apart: before?.apart ?? apartFrom(changes, nodes, most),
    apartBy: most ? { x: -by.x, y: -by.y } : by,
  };
}

function apartFrom(
  changes: readonly NodeChange<FlowNode>[],
  nodes: readonly FlowNode[],
  most: boolean,
): ReadonlySet<string> {
  const held = new Set(changes.map((change) => (change.type === "position" ? change.id : "")));
  return new Set(nodes.map(({ id }) => id).filter((id) => held.has(id) !== most));
}

/** How far the ends of an edge go apart from each other; undefined while they don't. */
export function bent(held: Held | undefined, source: string, target: string): Point | undefined {
  return held && held.apart.has(source) !== held.apart.has(target) ? held.apartBy : undefined;
}
