/** A job's settings while they are being written: anything may be missing, or wrong for now. */

import type { ApiProblem, Schema } from "@/api/client";
import { faultOf, hintOf, messageOf } from "@/i18n/said";
import type { FileRef } from "@/uploads/uploads";

/** A number as it was typed; in a workflow it may be a text such as `${epochs}`. */
export type Amount = number | string;

export interface JobDraft {
  name?: string;
  script?: FileRef;
  dependencies?: FileRef;
  dependency_paths?: string;
  arguments?: string;
  environment?: Readonly<Record<string, string>>;
  requirements?: string;
  resources?: {
    gpus?: Amount;
    gpu_model?: string;
    cpus?: Amount;
    memory_mb?: Amount;
    timeout_seconds?: Amount;
  };
  runtime?: string;
  retries?: { after_failure?: Amount; after_loss?: Amount };
  grace_seconds?: Amount;
  warm?: boolean;
  ignore_warnings?: boolean;
}

type Nested = "resources" | "retries";
export type JobPath =
  | `environment.${string}`
  | Exclude<keyof JobDraft, Nested>
  | `resources.${keyof NonNullable<JobDraft["resources"]> & string}`
  | `retries.${keyof NonNullable<JobDraft["retries"]> & string}`;

/** `undefined` leaves the field out: the platform's default counts. */
export type JobValue = Amount | boolean | FileRef | Readonly<Record<string, string>> | undefined;
export type OnJobChange = (path: JobPath, value: JobValue) => void;

/** By field, as a dotted path: one sentence. */
export type Problems = Readonly<Record<string, string>>;

/** The draft with one field changed. */
export function withField(draft: JobDraft, path: JobPath, value: JobValue): JobDraft {
  const [outer = "", inner] = path.split(".");
  return put(draft as Record<string, unknown>, outer, inner, value) as JobDraft;
}

function put(
  object: Readonly<Record<string, unknown>>,
  key: string,
  inner: string | undefined,
  value: unknown,
): Record<string, unknown> {
  const kept = Object.fromEntries(Object.entries(object).filter(([name]) => name !== key));
  if (inner === undefined) return value === undefined ? kept : { ...kept, [key]: value };
  const changed = put((object[key] ?? {}) as Record<string, unknown>, inner, undefined, value);
  return Object.keys(changed).length ? { ...kept, [key]: changed } : kept;
}

/** What stands at a field, or in it; several sentences go together. */
export function problemAt(problems: Problems, path: string): string | undefined {
  const found = Object.entries(problems)
    .filter(([field]) => field === path || field.startsWith(`${path}.`))
    .map(([, sentence]) => sentence);
  return found.length ? found.join(" ") : undefined;
}

const FIELDS = new Set([
  ...["name", "script", "dependencies", "dependency_paths", "arguments", "environment", "requirements"],
  ...["resources", "runtime", "retries", "grace_seconds", "warm", "inputs"],
]);

/** What the platform refused, by field; what belongs to no field is under "". */
export function problemsOf(refusal: ApiProblem): Record<string, string> {
  const field = typeof refusal.body["field"] === "string" ? refusal.body["field"] : "";
  const sentence = [messageOf(refusal), hintOf(refusal)].filter(Boolean).join(" · ");
  const named = refusal.errors.length
    ? refusal.errors.map((one) => [one.field, faultOf(one)] as const)
    : [[field, sentence] as const];
  return Object.fromEntries(
    named.map(([where, what]) => (FIELDS.has(where.split(".")[0] ?? "") ? [where, what] : ["", what])),
  );
}

/** As a job is sent: without what was left empty. */
export function toCreate(draft: JobDraft): Schema<"JobCreate"> {
  const filled = Object.entries(draft).filter(([, value]) => value !== "" && value !== undefined);
  return Object.fromEntries(filled) as unknown as Schema<"JobCreate">;
}

/** A whole number as typed; anything else stays the text it is, for a person to mend. */
export function amount(text: string): Amount | undefined {
  const typed = text.trim();
  if (!typed) return undefined;
  return /^\d{1,15}$/.test(typed) ? Number(typed) : text;
}

export function isReference(text: string): boolean {
  return /(^|[^$])\$\{[^{}]+\}/.test(text);
}
