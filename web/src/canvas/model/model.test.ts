import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Change, changed } from "./changes";
import { copied, pasted } from "./clipboard";
import {
  closesCycle,
  EMPTY,
  edgeId,
  freeName,
  type Graph,
  type GraphNode,
  legalName,
  nameFrom,
} from "./graph";
import { advanced, closed, redone, started, undone } from "./history";
import { tidied } from "./tidy";
import { fromWire, meaning, positionsOf, toWire } from "./wire";

function node(id: string, name = id, settings: GraphNode["settings"] = {}): GraphNode {
  return {
    id,
    name,
    kind: "pytorch",
    skip: false,
    reuse: { mode: "off" },
    settings,
    position: { x: 0, y: 0 },
  };
}

function graph(names: string[], edges: [string, string][] = []): Graph {
  const nodes = names.map((name) => node(name));
  return changed(EMPTY, {
    type: "add",
    nodes,
    edges: edges.map(([source, target]) => ({ id: edgeId(source, target), source, target, when: "success" })),
  });
}

const ids = ["a", "b", "c", "d", "e"];
const id = fc.constantFrom(...ids);
const change: fc.Arbitrary<Change> = fc.oneof(
  fc.record({
    type: fc.constant("add" as const),
    nodes: id.map((one) => [node(`${one}${Math.random()}`, one)]),
    edges: fc.constant([]),
  }),
  fc.record({
    type: fc.constant("remove" as const),
    nodes: fc.array(id, { maxLength: 2 }),
    edges: fc.constant([]),
  }),
  fc.record({ type: fc.constant("connect" as const), source: id, target: id }),
  fc.record({ type: fc.constant("rename" as const), node: id, name: fc.constantFrom("x", "y", "a") }),
  fc.record({ type: fc.constant("skip" as const), nodes: fc.array(id), skip: fc.boolean() }),
  fc.record({
    type: fc.constant("set" as const),
    node: id,
    path: fc.constant(["arguments"]),
    value: fc.string(),
  }),
  fc.record({
    type: fc.constant("move" as const),
    positions: fc.dictionary(id, fc.record({ x: fc.integer(), y: fc.integer() })),
  }),
);

describe("undo and redo", () => {
  test("lead back to the first graph and forth to the last, whatever was done", () => {
    fc.assert(
      fc.property(fc.array(change, { maxLength: 30 }), (changes) => {
        const first = started(graph(ids));
        const last = changes.reduce(advanced, first);
        let back = last;
        while (back.past.length) back = undone(back);
        expect(back.graph).toBe(first.graph);
        while (back.future.length) back = redone(back);
        expect(back.graph).toEqual(last.graph);
      }),
    );
  });

  test("take typing into one field as one step, until the field is left", () => {
    const type = (value: string): Change => ({ type: "set", node: "a", path: ["arguments"], value });
    const typed = ["-", "--", "--lr"].map(type).reduce(advanced, started(graph(["a"])));
    expect(typed.past).toHaveLength(1);
    const again = advanced(closed(typed), type("--lr 1"));
    expect(undone(again).graph.nodes[0]?.settings).toEqual({ arguments: "--lr" });
    expect(undone(undone(again)).graph.nodes[0]?.settings).toEqual({});
  });

  test("forget what was undone once something else is done", () => {
    const one = advanced(started(graph(["a"])), { type: "skip", nodes: ["a"], skip: true });
    expect(advanced(undone(one), { type: "rename", node: "a", name: "b" }).future).toEqual([]);
  });
});

describe("a change", () => {
  test("never closes a circle and never leaves an edge to nowhere", () => {
    fc.assert(
      fc.property(fc.array(change, { maxLength: 40 }), (changes) => {
        const end = changes.reduce(changed, graph(ids));
        const known = new Set(end.nodes.map((one) => one.id));
        for (const edge of end.edges) {
          expect(known.has(edge.source) && known.has(edge.target)).toBe(true);
          const others = end.edges.filter((other) => other !== edge);
          expect(closesCycle(others, edge.source, edge.target)).toBe(false);
        }
        expect(new Set(end.nodes.map((one) => one.name)).size).toBe(end.nodes.length);
      }),
    );
  });

  test("that renames takes references of the nodes below along", () => {
    const before = changed(graph(["a", "b"], [["a", "b"]]), {
      type: "set",
      node: "b",
      path: ["arguments"],
      value: "--in ${a.outputs}/m.pt ${ab.outputs}",
    });
    const renamed = changed(before, { type: "rename", node: "a", name: "训练" });
    expect(renamed.nodes[1]?.settings).toEqual({ arguments: "--in ${训练.outputs}/m.pt ${ab.outputs}" });
  });

  test("that sets a nested value leaves no empty object behind when it is removed", () => {
    const set = changed(graph(["a"]), { type: "set", node: "a", path: ["resources", "gpus"], value: 1 });
    expect(set.nodes[0]?.settings).toEqual({ resources: { gpus: 1 } });
    const unset = changed(set, { type: "set", node: "a", path: ["resources", "gpus"], value: undefined });
    expect(unset.nodes[0]?.settings).toEqual({});
  });
});

test("a graph comes back from the wire as it was, with its ids", () => {
  const before = changed(graph(["a", "b"], [["a", "b"]]), { type: "move", positions: { a: { x: 5, y: 6 } } });
  const back = fromWire(toWire(before), { positions: positionsOf(before) }, before);
  expect(back).toEqual(before);
  expect(meaning(changed(before, { type: "move", positions: { a: { x: 0, y: 0 } } }))).toBe(meaning(before));
});

test("what is pasted is new, named apart, and tied together as it was", () => {
  const before = graph(
    ["a", "b", "c"],
    [
      ["a", "b"],
      ["b", "c"],
    ],
  );
  const paste = pasted(copied(before, ["b", "c"]), before, undefined, true);
  const end = changed(before, { type: "add", nodes: paste?.nodes ?? [], edges: paste?.edges ?? [] });
  expect(toWire(end).edges.slice(2)).toEqual([
    { source: "b-2", target: "c-2", when: "success" },
    { source: "a", target: "b-2", when: "success" },
  ]);
  const places = end.nodes.map(({ position: { x, y } }) => `${x} ${y}`);
  const again = pasted(copied(before, ["b", "c"]), end);
  for (const { position } of again?.nodes ?? []) expect(places).not.toContain(`${position.x} ${position.y}`);
  expect(pasted("no JSON", before)).toBeUndefined();
  expect(pasted('{"type":"other"}', before)).toBeUndefined();
});

test("references among the pasted follow their new names, others stay", () => {
  const before = changed(graph(["a", "b", "c"], [["b", "c"]]), {
    type: "set",
    node: "c",
    path: ["arguments"],
    value: "${b.outputs}/m ${a.outputs} $${b.outputs}",
  });
  const paste = pasted(copied(before, ["b", "c"]), before);
  const end = changed(before, { type: "add", nodes: paste?.nodes ?? [], edges: paste?.edges ?? [] });
  expect(end.nodes.at(-1)?.settings).toEqual({
    arguments: "${b-2.outputs}/m ${a.outputs} $${b.outputs}",
  });
});

test("tidied, no two nodes share a place, and every edge leads to the right", () => {
  fc.assert(
    fc.property(fc.array(change, { maxLength: 40 }), (changes) => {
      const end = changes.reduce(changed, graph(ids));
      const places = tidied(end);
      expect(new Set(Object.values(places).map(({ x, y }) => `${x},${y}`)).size).toBe(end.nodes.length);
      for (const edge of end.edges) expect(places[edge.source]?.x).toBeLessThan(places[edge.target]?.x ?? 0);
    }),
  );
});

test("names are made legal and free", () => {
  expect(nameFrom("train model (1).py")).toBe("train-model-1");
  expect(nameFrom("训练.py")).toBe("训练");
  expect(nameFrom("???")).toBe("node");
  expect(legalName("a.b")).toBe(false);
  expect(freeName(graph(["a", "a-2"]), "a")).toBe("a-3");
});
