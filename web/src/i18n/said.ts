/**
 * What the platform says, in the user's language: it tells which sentence it is and what stands in it, and
 * what is not known here stays the English that came along.
 */
import { language } from "./index";
import zh from "./zh/said.json";

type Fact = string | number | Saying | readonly (string | Saying)[];

export interface Saying {
  code: string;
  facts?: { readonly [name: string]: Fact };
}

interface Told {
  saying?: Saying | null | undefined;
}

const SENTENCES: Readonly<Record<string, string>> = zh.sentence;
const CODES: Readonly<Record<string, string>> = zh.code;

/** Codes that stand for many sentences: where no more is told, the English one says which. */
const VAGUE = new Set([
  ...["field_invalid", "invalid_input", "malformed", "conflict", "not_found", "unavailable", "forbidden"],
  ...["env_not_allowed", "inputs_invalid", "requirements_invalid", "s3_uri_invalid", "cron_invalid"],
  ...["workflow_file_invalid", "pattern_invalid", "dependency_unavailable", "webhook_unreachable"],
  ...["parameter_invalid", "sweep_range_invalid", "unsupported_media", "too_large", "input_unknown"],
]);

/** How a job, a node or a run stands; empty if nothing is told. */
export function sentenceOf(one: Told & { sentence?: string | null | undefined }): string {
  return translated(one.saying) ?? one.sentence ?? "";
}

/** What a job waits for. */
export function waitOf(one: Told & { explanation: string }): string {
  return translated(one.saying) ?? one.explanation;
}

/** What happened to a job. */
export function eventOf(one: Told & { message: string }): string {
  return translated(one.saying) ?? one.message;
}

/** One thing that decides a node's result. */
export function fieldOf(one: Told & { field: string }): string {
  return translated(one.saying) ?? one.field;
}

/** What is wrong with a field or a graph. */
export function faultOf(one: Told & { code: string; message: string }): string {
  return translated(one.saying) ?? byCode(one.code, one.message);
}

/** What was refused or failed; of the platform's refusals, `body` is the problem document. */
export function messageOf(problem: Error): string {
  const { body } = problem as { body?: Readonly<Record<string, unknown>> };
  if (!body) return problem.message;
  const saying = body["saying"] as Saying | undefined;
  return translated(saying) ?? byCode(String(body["code"] ?? ""), problem.message);
}

/** The platform's advice; where it is told in English alone, other languages' sentences have it in them. */
export function hintOf(problem: Error): string | undefined {
  const { body } = problem as { body?: Readonly<Record<string, unknown>> };
  const hint = body?.["hint"];
  if (language() === "en") return typeof hint === "string" ? hint : undefined;
  return translated(body?.["hint_saying"] as Saying | undefined);
}

function byCode(code: string, english: string): string {
  const known = language() === "zh" ? CODES[code] : undefined;
  if (!known) return english;
  return VAGUE.has(code) || code.startsWith("archive_") ? `${known}（${english}）` : known;
}

/** Undefined if it is English anyway, or if a sentence or one of its facts is not known. */
function translated(saying: Saying | null | undefined): string | undefined {
  if (!saying || language() !== "zh") return undefined;
  const template = SENTENCES[saying.code] ?? SENTENCES[`${saying.code}_other`];
  if (template === undefined) return undefined;
  let whole = true;
  const text = template.replace(/\{\{(\w+)\}\}/g, (_, name: string) => {
    const fact = saying.facts?.[name];
    const words = fact === undefined ? undefined : wordsOf(fact);
    whole &&= words !== undefined;
    return words ?? "";
  });
  return whole ? text : undefined;
}

function wordsOf(fact: Fact): string | undefined {
  if (typeof fact === "string" || typeof fact === "number") return String(fact);
  if (!("code" in fact)) {
    const parts = fact.map(wordsOf);
    return parts.every((part) => part !== undefined) ? parts.join("、") : undefined;
  }
  return translated(fact);
}
