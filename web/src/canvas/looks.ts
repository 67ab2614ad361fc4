/** How the nodes of a graph stand: by the run that goes on, by what changed since the last one, by their faults. */

import type { Schema } from "@/api/client";
import { fieldOf, type Saying, sentenceOf } from "@/i18n/said";
import { type NodeRun, nodeOpen, type RunDetail } from "@/live/run";
import type { State } from "@/ui/StateBadge";
import type { Look, Problem } from "./board";
import type { Graph, GraphNode } from "./model/graph";
import type { WireGraph } from "./model/wire";

export type Summary = Schema<"NodeSummary">;

/** A field or a node, and what other languages call it. */
interface Part {
  field: string;
  saying?: Saying | null | undefined;
}

interface Known {
  graph: Graph;
  run?: RunDetail | undefined;
  summaries?: readonly Summary[] | undefined;
  problems: readonly Problem[];
  /** Whether the graph is that of the run itself, which can't be stale. */
  frozen?: boolean;
}

export function looksOf({ graph, run, summaries, problems, frozen = false }: Known): Map<string, Look> {
  const inRun = new Map(run?.nodes.map((node) => [node.name, node]));
  const told = new Map(summaries?.map((summary) => [summary.name, summary]));
  const wrong = Map.groupBy(problems, (problem) => problem.node ?? "");
  const stale = frozen || !run ? new Map<string, Part[]>() : staleNodes(graph, run.graph as WireGraph, told);
  return new Map(
    graph.nodes.map((node) => {
      const mine = inRun.get(node.name);
      const faults = wrong.get(node.name) ?? [];
      const because = stale.get(node.name) ?? [];
      return [node.name, look(node, mine, told.get(node.name), faults, because, run?.id, frozen)];
    }),
  );
}

function look(
  node: GraphNode,
  mine: NodeRun | undefined,
  summary: Summary | undefined,
  problems: readonly Problem[],
  because: readonly Part[],
  run: string | undefined,
  frozen: boolean,
): Look {
  const part = mine && (frozen || mine.state !== "left_out") ? mine : undefined;
  const state = stateOf(node, part, summary, problems, because, frozen);
  const shows = part !== undefined && (state === part.state || state === "unreachable" || state === "stale");
  return {
    state,
    sentence: shows && state !== "stale" ? sentenceOf(part) || undefined : undefined,
    reason: shows ? (part.reason ?? undefined) : undefined,
    position: shows ? (part.position ?? undefined) : undefined,
    unreachable: part?.unreachable ?? false,
    job: part?.job ?? summary?.last_job ?? undefined,
    run: part ? run : (summary?.last_run ?? undefined),
    startedAt: shows ? (part.started_at ?? undefined) : undefined,
    finishedAt: shows ? (part.finished_at ?? undefined) : undefined,
    attempts: part?.attempts ?? 0,
    reusedFrom: part?.reused_from ?? undefined,
    staleBecause: state === "stale" ? because.map(fieldOf) : [],
    problems,
  };
}

function stateOf(
  node: GraphNode,
  part: NodeRun | undefined,
  summary: Summary | undefined,
  problems: readonly Problem[],
  because: readonly Part[],
  frozen: boolean,
): State {
  if (part && (frozen || nodeOpen(part.state))) return part.unreachable ? "unreachable" : part.state;
  if (node.skip) return "skipped";
  if (problems.length) return "not_configured";
  const last = (part?.state ?? summary?.last_state ?? undefined) as NodeRun["state"] | undefined;
  const gave = last === "succeeded" || last === "reused";
  if (gave && (because.length || summary?.status === "stale")) return "stale";
  if (last && last !== "left_out") return last;
  // What was wrong when it was saved last is told by `problems` as it is now.
  return summary && summary.status !== "not_configured" ? summary.status : "ready";
}

/** By name, what changed: fields of the node itself, or the names of nodes above it that are stale or new. */
function staleNodes(
  graph: Graph,
  frozen: WireGraph,
  told: ReadonlyMap<string, Summary>,
): Map<string, Part[]> {
  const before = new Map(frozen.nodes.map((node) => [node.name, node]));
  const names = new Map(graph.nodes.map((node) => [node.id, node.name]));
  const found = new Map<string, Part[]>();
  for (const node of graph.nodes) {
    const old = before.get(node.name);
    const fields = old ? changedFields(old.settings ?? {}, node.settings) : [];
    const server = told.get(node.name);
    const because = new Map(fields.map((field) => [field, partOf(field)]));
    if (server?.status === "stale")
      for (const [at, field] of server.stale_because.entries())
        because.set(field, { field, saying: server.stale_sayings[at] });
    if (because.size) found.set(node.name, [...because.values()]);
  }
  const below = Map.groupBy(graph.edges, (edge) => names.get(edge.source) ?? "");
  const open = [...found.keys()];
  for (let name = open.pop(); name !== undefined; name = open.pop()) {
    for (const edge of below.get(name) ?? []) {
      const target = names.get(edge.target) ?? "";
      if (found.has(target)) continue;
      found.set(target, [{ field: name }]);
      open.push(target);
    }
  }
  return found;
}

/** Fields that decide nothing of the result. */
const IDLE = new Set(["resources", "retries", "name", "grace_seconds", "warm"]);
/** Fields whose entries have names of their own. */
const NAMED = new Set(["environment", "inputs"]);

type Settings = Readonly<Record<string, unknown>>;

/** The names of fields that differ, as the platform writes them. */
function changedFields(before: Settings, after: Settings): string[] {
  return differing(before, after)
    .filter((field) => !IDLE.has(field))
    .flatMap((field) =>
      NAMED.has(field)
        ? differing(entriesOf(before[field]), entriesOf(after[field])).map((name) => `${field}.${name}`)
        : field,
    );
}

function differing(before: Settings, after: Settings): string[] {
  const names = new Set([...Object.keys(before), ...Object.keys(after)]);
  return [...names].filter((name) => JSON.stringify(before[name]) !== JSON.stringify(after[name]));
}

function entriesOf(value: unknown): Settings {
  return typeof value === "object" && value !== null ? (value as Settings) : {};
}

function partOf(field: string): Part {
  const [kind, ...name] = field.split(".");
  return { field, saying: { code: `part_${kind}`, facts: { name: name.join(".") } } };
}
