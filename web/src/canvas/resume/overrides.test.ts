import fc from "fast-check";
import { expect, test } from "vitest";
import type { Json, Settings } from "../model/graph";
import { filesIn, overridden, overrideOf } from "./overrides";

test("only what differs is said, and null leaves a setting out", () => {
  const base = { arguments: "--lr 1", runtime: "a", resources: { cpus: 2, gpus: 1 } };
  const wanted = { arguments: "--lr 2", resources: { gpus: 1, cpus: 2 } };
  expect(overrideOf(base, wanted)).toEqual({ arguments: "--lr 2", runtime: null });
  expect(overrideOf(base, base)).toEqual({});
});

test("an override put on what it is of gives what was wanted", () => {
  const values = fc.jsonValue().filter((value) => value !== null) as fc.Arbitrary<Json>;
  const settings = fc.dictionary(fc.constantFrom("a", "b", "c"), values) as fc.Arbitrary<Settings>;
  fc.assert(
    fc.property(settings, settings, (base, wanted) => {
      const plain = (value: Settings) => JSON.parse(JSON.stringify(value)) as Settings;
      const [from, to] = [plain(base), plain(wanted)];
      expect(overridden(from, overrideOf(from, to))).toEqual(to);
    }),
  );
});

test("files are found wherever they are named", () => {
  const [script, rows] = ["1".repeat(64), "2".repeat(64)];
  expect(
    filesIn({
      script: { sha256: script, name: "a.py" },
      files: [{ sha256: rows, name: "b" }],
      arguments: "x",
    }),
  ).toEqual([script, rows]);
});
