import { expect, test } from "vitest";
import { difference } from "./Compare";

test.each([
  [0.5, 0.25, "−0.25"],
  [1, 3, "+2"],
  [2, 2, "±0"],
  [null, 2, ""],
  [2, undefined, ""],
])("from %j to %j it is %j", (before, after, told) => {
  expect(difference(before, after)).toBe(told);
});
