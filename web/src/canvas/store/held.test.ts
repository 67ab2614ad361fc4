import type { NodeChange } from "@xyflow/react";
import { expect, test } from "vitest";
import { changed } from "../model/changes";
import { EMPTY } from "../model/graph";
import { createEditor } from "./editor";
import type { FlowNode } from "./flow";
import { bent } from "./held";

const NAMES = Array.from({ length: 60 }, (_, at) => `n${at}`);

function opened() {
  const store = createEditor();
  const nodes = NAMES.map((name, at) => ({
    id: name,
    name,
    kind: "pytorch" as const,
    skip: false,
    reuse: { mode: "off" as const },
    settings: {},
    position: { x: 10 * at, y: 0 },
  }));
  store.getState().load(changed(EMPTY, { type: "add", nodes, edges: [] }), 1);
  return store;
}

function drag(names: readonly string[], by: number, dragging: boolean): NodeChange<FlowNode>[] {
  return names.map((id) => ({
    id,
    type: "position",
    dragging,
    position: { x: 10 * NAMES.indexOf(id) + by, y: by },
  }));
}

test.each([
  ["a part", NAMES.slice(0, 25), { x: 0, y: 0 }, { x: 7, y: 7 }, NAMES.slice(0, 25)],
  ["most", NAMES.slice(0, 40), { x: 7, y: 7 }, { x: -7, y: -7 }, NAMES.slice(40)],
  ["all", NAMES, { x: 7, y: 7 }, { x: -7, y: -7 }, []],
])("%s of many nodes is held until it is let go", (_, held, all, apartBy, apart) => {
  const store = opened();
  const before = store.getState().nodes;
  store.getState().onNodes(drag(held, 3, true));
  store.getState().onNodes(drag(held, 7, true));
  expect(store.getState().nodes).toBe(before);
  expect(store.getState().held).toEqual({ all, apartBy, apart: new Set(apart) });
  store.getState().onNodes(drag(held, 7, false));
  store.getState().drop();
  expect(store.getState().held).toBeUndefined();
  expect(store.getState().moving).toBe(false);
  const places = store.getState().history.graph.nodes.map(({ position }) => position.y);
  expect(places.filter((y) => y === 7)).toHaveLength(held.length);
  store.getState().undo();
  expect(store.getState().history.graph.nodes.every(({ position }) => position.y === 0)).toBe(true);
});

test("a few nodes are moved one by one", () => {
  const store = opened();
  store.getState().onNodes(drag(NAMES.slice(0, 3), 7, true));
  expect(store.getState().held).toBeUndefined();
  expect(store.getState().nodes[0]?.position).toEqual({ x: 7, y: 7 });
});

test("what is found out about a node meanwhile is taken in, and the rest stays held", () => {
  const store = opened();
  store.getState().onNodes(drag(NAMES, 7, true));
  const { held } = store.getState();
  store.getState().onNodes([{ id: "n1", type: "dimensions", dimensions: { width: 208, height: 60 } }]);
  expect(store.getState().held).toBe(held);
  expect(store.getState().moving).toBe(true);
  expect(store.getState().nodes[1]?.measured).toEqual({ width: 208, height: 60 });
});

test("an edge bends between a node that is held and one that is not", () => {
  const store = opened();
  store.getState().onNodes(drag(NAMES.slice(0, 25), 7, true));
  const { held } = store.getState();
  expect(bent(held, "n24", "n25")).toEqual({ x: 7, y: 7 });
  expect(bent(held, "n0", "n1")).toBeUndefined();
  expect(bent(held, "n30", "n31")).toBeUndefined();
  expect(bent(undefined, "n24", "n25")).toBeUndefined();
});
