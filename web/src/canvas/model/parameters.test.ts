import { expect, test } from "vitest";
import { freeParameter, isParted, optionBefore, typedText, withReference } from "./parameters";

test("a selected part of a command line becomes a parameter named after its option", () => {
  const text = "--epochs 3 --learning-rate=0.1 data";
  expect(optionBefore(text, 9)).toBe("epochs");
  expect(optionBefore(text, 27)).toBe("learning_rate");
  expect(optionBefore(text, 31)).toBeUndefined();
  expect(withReference(["arguments"], text, "epochs", { start: 9, end: 10 })).toBe(
    "--epochs ${epochs} --learning-rate=0.1 data",
  );
});

test("a known parameter is added to a text and takes the place of a number", () => {
  expect(withReference(["arguments"], "--lr", "lr", undefined)).toBe("--lr ${lr}");
  expect(withReference(["paths"], "s3://a/b", "more", undefined)).toBe("s3://a/b, ${more}");
  expect(withReference(["environment", "HOME"], "/data/", "who", undefined)).toBe("/data/${who}");
  expect(withReference(["resources", "gpus"], "1", "gpus", undefined)).toBe("${gpus}");
  expect([isParted(["environment", "A"]), isParted(["runtime"])]).toEqual([true, false]);
});

test("what is written as a number is one, and names are free", () => {
  expect(["3", "-0.5", "1e-3", "3 4", ""].map((text) => typedText(text).type)).toEqual([
    "integer",
    "number",
    "number",
    "string",
    "string",
  ]);
  expect(freeParameter({ parameters: [{ name: "lr", type: "number" }] }, "lr")).toBe("lr_2");
});
