/** How an attempt's time went: waiting, staging, running, collecting. */
import type { Schema } from "@/api/client";

export const PHASES = ["waiting", "staging", "running", "collecting"] as const;
export type Phase = (typeof PHASES)[number];

export interface Span {
  phase: Phase;
  /** Milliseconds since 1970. */
  from: number;
  until: number;
  /** It has not ended. */
  open: boolean;
}

export function phasesOf(attempt: Schema<"Attempt">, now: number): Span[] {
  const starts = [attempt.created_at, attempt.claimed_at, attempt.started_at, attempt.script_ended_at];
  const end = attempt.finished_at ? Date.parse(attempt.finished_at) : undefined;
  const begun = PHASES.flatMap((phase, at) => {
    const start = starts[at];
    return start ? [{ phase, from: Date.parse(start) }] : [];
  });
  return begun.map(({ phase, from }, at) => {
    const next = begun[at + 1]?.from ?? end;
    return { phase, from, until: Math.max(next ?? now, from), open: next === undefined };
  });
}
