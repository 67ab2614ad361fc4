import i18next from "i18next";
import { describe, expect, test } from "vitest";
import type { RunDetail } from "@/live/run";
import { adding, neighbour, newNode, tieTo } from "./adding";
import { Board, type Look, UNKNOWN } from "./board";
import { valuesOf } from "./dialogs/SweepDialog";
import { draftGraph, dropDraft, keepDraft, keptDraft } from "./drafts";
import { looksOf } from "./looks";
import { changed } from "./model/changes";
import { EMPTY, type Graph } from "./model/graph";
import { toWire } from "./model/wire";
import { commandLine } from "./panel/Lands";
import { createEditor } from "./store/editor";

function chain(...names: string[]): Graph {
  let graph = EMPTY;
  let before: string | undefined;
  for (const name of names) {
    const tie = before ? { node: before, side: "source" as const } : undefined;
    const { change, id } = adding(graph, { kind: "pytorch", name, tie });
    graph = changed(graph, change);
    before = id;
  }
  return graph;
}

function runOf(graph: Graph, states: Record<string, string>): RunDetail {
  const nodes = graph.nodes.map(({ name }) => ({
    name,
    state: states[name] ?? "succeeded",
    attempts: 1,
    unreachable: false,
  }));
  return { id: "run", state: "running", graph: toWire(graph), nodes } as unknown as RunDetail;
}

const stateOf = (looks: ReadonlyMap<string, Look>) =>
  Object.fromEntries([...looks].map(([name, { state }]) => [name, state]));

describe("adding a node", () => {
  test("ties it to the selected one and covers no other", () => {
    const graph = chain("a", "b");
    const [a] = graph.nodes;
    const { change } = adding(graph, { kind: "pytorch", tie: tieTo(graph, [a?.id ?? ""], "pytorch") });
    const end = changed(graph, change);
    expect(toWire(end).edges.at(-1)).toEqual({ source: "a", target: "pytorch", when: "success" });
    expect(new Set(end.nodes.map(({ position: { x, y } }) => `${x},${y}`)).size).toBe(3);
  });

  test("puts data in front of what uses it", () => {
    const graph = chain("train");
    const id = graph.nodes[0]?.id ?? "";
    const { change } = adding(graph, { kind: "dataset", tie: tieTo(graph, [id], "dataset") });
    expect(toWire(changed(graph, change)).edges).toEqual([
      { source: "data", target: "train", when: "success" },
    ]);
  });
});

test("the arrows follow edges, and else the nearest node that way", () => {
  const graph = changed(chain("a", "b"), {
    type: "add",
    nodes: [newNode("pytorch", { x: 0, y: 200 }, "c")],
    edges: [],
  });
  const [a, b, c] = graph.nodes.map((node) => node.id);
  expect(neighbour(graph, a, "ArrowRight")).toBe(b);
  expect(neighbour(graph, b, "ArrowLeft")).toBe(a);
  expect(neighbour(graph, a, "ArrowDown")).toBe(c);
  expect(neighbour(graph, c, "ArrowDown")).toBeUndefined();
  expect(neighbour(graph, undefined, "ArrowDown")).toBe(a);
});

describe("how a node stands", () => {
  test("is what the run that goes on says", () => {
    const graph = chain("a", "b", "c");
    const looks = looksOf({ graph, run: runOf(graph, { b: "running", c: "waiting" }), problems: [] });
    expect(stateOf(looks)).toEqual({ a: "succeeded", b: "running", c: "waiting" });
  });

  test("is stale below what changed, with the reason", () => {
    const before = chain("a", "b", "c");
    const b = before.nodes[1]?.id ?? "";
    const graph = changed(before, { type: "set", node: b, path: ["arguments"], value: "--lr 1" });
    const looks = looksOf({ graph, run: runOf(before, {}), problems: [] });
    expect(stateOf(looks)).toEqual({ a: "succeeded", b: "stale", c: "stale" });
    expect(looks.get("b")?.staleBecause).toEqual(["arguments"]);
    expect(looks.get("c")?.staleBecause).toEqual(["b"]);
  });

  test("names what changed in the user's language, entries by their names", async () => {
    const before = chain("a", "b");
    const a = before.nodes[0]?.id ?? "";
    const graph = changed(before, { type: "set", node: a, path: ["environment"], value: { LR: "1" } });
    const summary = {
      name: "a",
      status: "stale" as const,
      stale_because: ["environment.LR", "runtime"],
      stale_sayings: [
        { code: "part_environment", facts: { name: "LR" } },
        { code: "part_runtime", facts: {} },
      ],
    };
    await i18next.changeLanguage("zh");
    const looks = looksOf({ graph, run: runOf(before, {}), summaries: [summary], problems: [] });
    await i18next.changeLanguage("en");
    expect(looks.get("a")?.staleBecause).toEqual(["环境变量 LR", "运行环境"]);
    const alone = looksOf({ graph, run: runOf(before, {}), problems: [] });
    expect(alone.get("a")?.staleBecause).toEqual(["environment.LR"]);
  });

  test("is not stale for what decides nothing", () => {
    const before = chain("a");
    const graph = changed(before, {
      type: "set",
      node: before.nodes[0]?.id ?? "",
      path: ["resources", "cpus"],
      value: 2,
    });
    expect(stateOf(looksOf({ graph, run: runOf(before, {}), problems: [] }))).toEqual({ a: "succeeded" });
  });

  test("is not configured while something is wrong with it", () => {
    const graph = chain("a", "b");
    const problems = [
      { code: "field_missing", message: "it has no script", node: "a", field: "settings.script" },
    ];
    expect(stateOf(looksOf({ graph, problems }))).toEqual({ a: "not_configured", b: "ready" });
  });
});

test("a board tells those alone whose node changed", () => {
  const board = new Board();
  const heard: string[] = [];
  for (const name of ["a", "b"]) board.subscribe(name, () => heard.push(name));
  const look = (state: Look["state"]): Look => ({ ...UNKNOWN, state });
  board.set(
    new Map([
      ["a", look("ready")],
      ["b", look("ready")],
    ]),
  );
  const kept = board.get("a");
  board.set(
    new Map([
      ["a", look("ready")],
      ["b", look("running")],
    ]),
  );
  expect(heard).toEqual(["a", "b", "b"]);
  expect(board.get("a")).toBe(kept);
});

describe("the editor's store", () => {
  test("has unsaved changes until what is drawn is what is saved, by undo or by saving", () => {
    const store = createEditor();
    const graph = chain("a");
    store.getState().load(graph, 1);
    const id = graph.nodes[0]?.id ?? "";
    store.getState().change({ type: "rename", node: id, name: "x" });
    expect(store.getState().dirty).toBe(true);
    store.getState().undo();
    expect(store.getState().dirty).toBe(false);
    store.getState().redo();
    store.getState().saved(store.getState().history.graph, 2);
    expect([store.getState().dirty, store.getState().base]).toEqual([false, 2]);
  });

  test("draws only what changed anew, and a move is no unsaved change", () => {
    const store = createEditor();
    const graph = chain("a", "b");
    store.getState().load(graph, 1);
    const [before] = store.getState().nodes;
    const b = graph.nodes[1]?.id ?? "";
    store.getState().change({ type: "move", positions: { [b]: { x: 9, y: 9 } } });
    expect(store.getState().nodes[0]).toBe(before);
    expect(store.getState().nodes[1]?.position).toEqual({ x: 9, y: 9 });
    expect(store.getState().dirty).toBe(false);
  });

  test("forgets what was selected and is gone, and changes nothing where it is only read", () => {
    const store = createEditor();
    const graph = chain("a", "b");
    store.getState().load(graph, 1);
    const id = graph.nodes[0]?.id ?? "";
    store.getState().select([id]);
    store.getState().change({ type: "remove", nodes: [id], edges: [] });
    expect(store.getState().selection).toEqual([]);
    const read = createEditor(true);
    read.getState().load(graph, 1);
    read.getState().change({ type: "remove", nodes: [id], edges: [] });
    expect(read.getState().history.graph).toBe(graph);
  });
});

test("a draft comes back as it was drawn", () => {
  const graph = chain("a", "b");
  expect(keepDraft("w", 3, graph)).toBe(true);
  const kept = keptDraft("w");
  expect(kept?.base).toBe(3);
  expect(kept && draftGraph(kept, graph)).toEqual(graph);
  dropDraft("w");
  expect(keptDraft("w")).toBeUndefined();
});

test("the command line has defaults and places of outputs put in, and leaves what is not known", () => {
  const graph: Graph = { ...chain("a"), parameters: [{ name: "lr", type: "number", default: 0.1 }] };
  const node = {
    ...newNode("pytorch", { x: 0, y: 0 }),
    settings: {
      script: { name: "t.py", sha256: "0" },
      arguments: "--lr ${lr} --in ${a.outputs}/m ${x} $${y}",
    },
  };
  expect(commandLine(graph, node)).toBe("python t.py --lr 0.1 --in inputs/a/m ${x} ${y}");
});

test("a sweep's values are written one after the other, or as a range", () => {
  expect(valuesOf("number", "0.1, 0.01")).toEqual([0.1, 0.01]);
  expect(valuesOf("integer", "1..3")).toEqual([1, 2, 3]);
  expect(valuesOf("number", "0..0.3 / 0.1")).toEqual([0, 0.1, 0.2, 0.3]);
  expect(valuesOf("boolean", "true, false")).toEqual([true, false]);
  expect(valuesOf("integer", "one")).toBeUndefined();
  expect(valuesOf("string", "")).toEqual([]);
});
