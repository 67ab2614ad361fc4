/** The colour of each state, where there is room for a colour alone: beside it stands the list, or the node itself. */
import type { State } from "@/ui/StateBadge";

const TONES: Partial<Record<State, string>> = {
  staging: "var(--state-running)",
  running: "var(--state-running)",
  succeeded: "var(--state-succeeded)",
  up_to_date: "var(--state-succeeded)",
  failed: "var(--state-failed)",
  unreachable: "var(--state-failed)",
  cancelled: "var(--state-cancelled)",
  reused: "var(--state-reused)",
  stale: "var(--state-stale)",
  upstream_failed: "var(--state-upstream)",
};

export function toneOf(state: State | undefined): string {
  return (state && TONES[state]) ?? "var(--line-strong)";
}
