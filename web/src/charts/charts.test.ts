import { expect, test } from "vitest";
import { grouped, kindOf } from "./groups";
import { aligned, nearest } from "./lines";
import { grown, type Series, type SeriesList } from "./series";

function series(name: string, steps: number[], more: Partial<Series> = {}): Series {
  return {
    name,
    source: "printed",
    counts: "step",
    percent: false,
    total: steps.length,
    steps,
    values: steps.map((step) => 1 / (step + 1)),
    offsets: steps.map((step) => step * 10),
    times: steps.map((step) => step * 1000),
    ...more,
  };
}

function list(until: number, inside: Series[], more: Partial<SeriesList> = {}): SeriesList {
  return { attempt: 1, revision: "0", until, size: until, complete: true, series: inside, ...more };
}

test("what came since is put behind what was known", () => {
  const before = list(20, [series("loss", [0, 1]), series("tb", [0, 1], { source: "tensorboard" })]);
  const after = grown(before, list(40, [series("loss", [2, 3]), series("acc", [3])]));
  expect(after?.series.map(({ name, steps }) => [name, steps])).toEqual([
    ["loss", [0, 1, 2, 3]],
    ["tb", [0, 1]],
    ["acc", [3]],
  ]);
});

test("a number for a step that was known takes its place", () => {
  const after = grown(list(20, [series("loss", [0, 1])]), list(40, [series("loss", [1, 2])]));
  expect(after?.series[0]?.steps).toEqual([0, 1, 2]);
});

test("changed points and another attempt are fetched anew", () => {
  expect(grown(list(20, []), list(40, [], { revision: "1" }))).toBeUndefined();
  expect(grown(list(20, []), list(40, [], { attempt: 2 }))).toBeUndefined();
  expect(grown(list(20, []), list(10, []))).toBeUndefined();
});

test("one quantity is one picture", () => {
  expect(kindOf("train_loss")).toBe(kindOf("Test set Average loss"));
  expect(kindOf("val_acc")).toBe(kindOf("Accuracy"));
  expect(kindOf("f1/train")).toBe(kindOf("val f1"));
  expect(kindOf("perplexity")).not.toBe(kindOf("reward"));
  const groups = grouped([
    series("train_loss", [1, 2]),
    series("val_loss", [1, 2]),
    series("loss (epoch)", [1, 2], { counts: "epoch" }),
    series("printed once", [1]),
  ]);
  expect(groups.map((group) => group.series.map(({ name }) => name))).toEqual([
    ["train_loss", "val_loss"],
    ["loss (epoch)"],
  ]);
});

test("lines share one axis, and gaps differ from what is not there", () => {
  const lines = [
    { id: "a", label: "a", x: [1, 2, 4], y: [5, null, 0] },
    { id: "b", label: "b", x: [2, 3], y: [7, 8] },
  ];
  expect(aligned(lines, false).columns).toEqual([
    [1, 2, 3, 4],
    [5, null, undefined, 0],
    [undefined, 7, 8, undefined],
  ]);
  expect(aligned(lines, true).columns[1]).toEqual([5, null, undefined, null]);
});

test("the nearest value is found, whatever lies between", () => {
  expect(nearest([1, undefined, null, 4], 2)).toBe(3);
  expect(nearest([undefined, null], 0)).toBeUndefined();
});
