import { expect, test } from "vitest";
import type { RunDetail } from "@/live/run";
import { barsOf, criticalPath } from "./timing";

const at = (second: number) => new Date(second * 1_000).toISOString();

function run(nodes: [string, number | null][], edges: [string, string][]): RunDetail {
  return {
    nodes: nodes.map(([name, end]) => ({ name, finished_at: end === null ? null : at(end) })),
    graph: { edges: edges.map(([source, target]) => ({ source, target })) },
  } as unknown as RunDetail;
}

test("the critical path leads from the last end upwards to what was waited for", () => {
  const found = criticalPath(
    run(
      [
        ["a", 1],
        ["slow", 9],
        ["fast", 3],
        ["end", 10],
        ["aside", 4],
      ],
      [
        ["a", "slow"],
        ["a", "fast"],
        ["slow", "end"],
        ["fast", "end"],
        ["a", "aside"],
      ],
    ),
  );
  expect([...found]).toEqual(["end", "slow", "a"]);
});

test("a bar is split by phase, over every attempt, and goes on until now", () => {
  const states = ["queued", "staging", "running", "failed", "queued", "running"];
  const events = states.map((state, seq) => ({ seq, at: at(seq), node: "a", state, message: "" }));
  const [bar] = barsOf(run([["a", null]], []), events, 9_000);
  expect(bar?.segments.map(({ phase, from, to }) => [phase, from / 1_000, to / 1_000])).toEqual([
    ["queued", 0, 1],
    ["staging", 1, 2],
    ["running", 2, 3],
    ["queued", 4, 5],
    ["running", 5, 9],
  ]);
});

test("what comes after the script's end is collecting, in the last attempt alone", () => {
  const states = ["queued", "running", "failed", "queued", "running", "succeeded"];
  const events = states.map((state, seq) => ({ seq, at: at(10 * seq), node: "a", state, message: "" }));
  const ended = run([["a", 50]], []);
  const phases = (script_ended_at: string | null) => {
    const nodes = ended.nodes.map((node) => ({ ...node, script_ended_at }));
    const [bar] = barsOf({ ...ended, nodes }, events, 90_000);
    return bar?.segments.slice(-2).map(({ phase, from, to }) => [phase, from / 1_000, to / 1_000]);
  };
  expect(phases(at(44))).toEqual([
    ["running", 40, 44],
    ["collecting", 44, 50],
  ]);
  for (const none of [null, at(14), at(50)]) {
    expect(phases(none)?.at(-1)).toEqual(["running", 40, 50]);
  }
});
