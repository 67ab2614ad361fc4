/** Which jobs a list shows; it stands in the address, so that a link and the back button keep it. */
import type { Schema } from "@/api/client";

export type JobState = Schema<"Job">["state"];
export const STATES: readonly JobState[] = [
  "queued",
  "staging",
  "running",
  "succeeded",
  "failed",
  "cancelled",
];

/** Hours back from now. */
export const PERIODS = { hour: 1, day: 24, week: 168, month: 720 } as const;
export type Period = keyof typeof PERIODS;

export interface Filter {
  states: readonly JobState[];
  text: string;
  owner: string;
  /** The id of the workflow whose runs they belong to. */
  workflow: string;
  /** How far back; or from and until, as `datetime-local` inputs have them. */
  period: Period | "";
  from: string;
  until: string;
}

export function readFilter(params: URLSearchParams): Filter {
  const period = params.get("period") ?? "";
  return {
    states: params.getAll("state").filter((one): one is JobState => STATES.includes(one as JobState)),
    text: params.get("text") ?? "",
    owner: params.get("owner") ?? "",
    workflow: params.get("workflow") ?? "",
    period: period in PERIODS ? (period as Period) : "",
    from: params.get("from") ?? "",
    until: params.get("until") ?? "",
  };
}

export function writeFilter(filter: Filter): URLSearchParams {
  const params = new URLSearchParams();
  for (const state of filter.states) params.append("state", state);
  for (const name of ["text", "owner", "workflow", "period", "from", "until"] as const) {
    if (filter[name]) params.set(name, filter[name]);
  }
  return params;
}

export function isNarrowed(filter: Filter): boolean {
  return writeFilter(filter).size > 0;
}

/** As the API asks. */
export function toQuery(filter: Filter, now: number) {
  const moment = (text: string) =>
    Number.isNaN(Date.parse(text)) ? undefined : new Date(text).toISOString();
  const [from, until] = [moment(filter.from), moment(filter.until)];
  const after = filter.period ? new Date(now - PERIODS[filter.period] * 3_600_000).toISOString() : from;
  return {
    ...(filter.states.length ? { state: [...filter.states] } : {}),
    ...(filter.text.trim() ? { text: filter.text.trim() } : {}),
    ...(filter.owner.trim() ? { owner: filter.owner.trim() } : {}),
    ...(filter.workflow ? { workflow: filter.workflow } : {}),
    ...(after ? { created_after: after } : {}),
    ...(until && !filter.period ? { created_before: until } : {}),
  };
}
