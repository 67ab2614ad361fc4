/** Parameters made of what stands in a field, and put where it stood. */
import type { Graph, Json, Parameter } from "./graph";

/** A part of a text, as a text field tells what is selected in it. */
export interface Span {
  start: number;
  end: number;
}

const INTEGER = /^-?\d{1,15}$/;
const NUMBER = /^-?(\d+\.\d*|\.?\d+)(e[-+]?\d+)?$/i;

/** The type that a value has, and the value as a default of it. */
export function typed(value: Json | undefined): Pick<Parameter, "type" | "default"> {
  if (typeof value === "number")
    return { type: Number.isInteger(value) ? "integer" : "number", default: value };
  if (typeof value === "boolean") return { type: "boolean", default: value };
  return { type: "string", default: typeof value === "string" ? value : "" };
}

/** The same for a part of a text: what is written as a number is one. */
export function typedText(text: string): Pick<Parameter, "type" | "default"> {
  if (INTEGER.test(text)) return { type: "integer", default: Number(text) };
  if (NUMBER.test(text)) return { type: "number", default: Number(text) };
  return { type: "string", default: text };
}

/** What an option calls the value behind it: `lr` before the `0.1` of `--lr 0.1`. */
export function optionBefore(text: string, at: number): string | undefined {
  const option = /(?:^|\s)--?([A-Za-z][\w-]*)[\s=]+["']?$/.exec(text.slice(0, at))?.[1];
  return option?.replaceAll("-", "_");
}

export function freeParameter(graph: Pick<Graph, "parameters">, wanted: string): string {
  const taken = new Set(graph.parameters.map((parameter) => parameter.name));
  if (!taken.has(wanted)) return wanted;
  let number = 2;
  while (taken.has(`${wanted}_${number}`)) number += 1;
  return `${wanted}_${number}`;
}

/** Texts that one may be a part of, and what stands between parts. Other fields are a reference as a whole. */
const PARTED: Readonly<Record<string, string>> = {
  arguments: " ",
  dependency_paths: ", ",
  paths: ", ",
  environment: "",
};

/** The field's text with a reference in the place of what is selected, or behind all there is. */
export function withReference(
  path: readonly string[],
  text: string,
  name: string,
  selected: Span | undefined,
): string {
  const reference = `\${${name}}`;
  const between = PARTED[path[0] ?? ""];
  if (between === undefined || text === "") return reference;
  if (selected) return text.slice(0, selected.start) + reference + text.slice(selected.end);
  return text.trimEnd() + between + reference;
}

/** Whether a part of the field can be made a parameter by itself. */
export function isParted(path: readonly string[]): boolean {
  return (path[0] ?? "") in PARTED;
}
