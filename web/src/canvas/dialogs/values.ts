/** A parameter's value as it is typed, and back. */
import type { Parameter } from "../model/graph";

export type Scalar = string | number | boolean;

/** The value that a text means; undefined if it is none of this type. */
export function scalarOf(type: Parameter["type"], text: string): Scalar | undefined {
  if (type === "boolean") return text === "true" ? true : text === "false" ? false : undefined;
  if (type === "integer") return /^\s*[+-]?\d+\s*$/.test(text) ? Number(text) : undefined;
  if (type === "number") return text.trim() && Number.isFinite(Number(text)) ? Number(text) : undefined;
  return text;
}

/** Choices are written one after the other; what looks like a number is one. */
export function choicesOf(text: string): Scalar[] {
  return text
    .split(",")
    .map((one) => one.trim())
    .filter(Boolean)
    .map((one) => scalarOf("number", one) ?? one);
}
