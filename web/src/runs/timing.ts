/** When each node of a run did what, and which of them the run had to wait for. */
import type { Schema } from "@/api/client";
import type { RunDetail } from "@/live/run";

type RunEvent = Schema<"RunEvent">;
export type Phase = "queued" | "staging" | "running" | "collecting";

export interface Segment {
  phase: Phase;
  from: number;
  to: number;
}

export interface Bar {
  name: string;
  segments: Segment[];
  critical: boolean;
}

const PHASES = new Set(["queued", "staging", "running"]);

/** Moments in milliseconds since the epoch; what goes on lasts until `now`. */
export function barsOf(run: RunDetail, events: readonly RunEvent[], now: number): Bar[] {
  const byNode = Map.groupBy(events, (event) => event.node ?? "");
  const critical = criticalPath(run);
  return run.nodes.map(({ name, script_ended_at }) => ({
    name,
    critical: critical.has(name),
    segments: collecting(segmentsOf(byNode.get(name) ?? [], now), script_ended_at),
  }));
}

/** After the script's end, what it left is collected: a part of its own of the latest attempt's last segment. */
function collecting(segments: Segment[], scriptEnded: string | null | undefined): Segment[] {
  const [last, at] = [segments.at(-1), scriptEnded ? Date.parse(scriptEnded) : Number.NaN];
  if (last?.phase !== "running" || !(at >= last.from && at < last.to)) return segments;
  return [...segments.slice(0, -1), { ...last, to: at }, { phase: "collecting", from: at, to: last.to }];
}

function segmentsOf(events: readonly RunEvent[], now: number): Segment[] {
  return events.flatMap((event, at) => {
    if (!PHASES.has(event.state)) return [];
    const next = events[at + 1];
    return [
      {
        phase: event.state as Phase,
        from: Date.parse(event.at),
        to: next ? Date.parse(next.at) : now,
      },
    ];
  });
}

/** From the node that ended last upwards, each time to the one above that ended last. */
export function criticalPath(run: RunDetail): Set<string> {
  const ends = new Map(
    run.nodes.flatMap(({ name, finished_at }) =>
      finished_at ? [[name, Date.parse(finished_at)] as const] : [],
    ),
  );
  const found = new Set<string>();
  const latest = (names: readonly string[]) =>
    names
      .filter((name) => ends.has(name) && !found.has(name))
      .sort((one, other) => (ends.get(other) ?? 0) - (ends.get(one) ?? 0))[0];
  for (let name = latest([...ends.keys()]); name !== undefined; ) {
    found.add(name);
    const here = name;
    name = latest(run.graph.edges.filter((edge) => edge.target === here).map((edge) => edge.source));
  }
  return found;
}
