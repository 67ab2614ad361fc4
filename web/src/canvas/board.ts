/** How each node stands, by its name; a node on the canvas hears of its own changes alone. */
import type { Schema } from "@/api/client";
import type { State } from "@/ui/StateBadge";

export type Problem = Schema<"Problem">;

/** What a node on the canvas shows besides its settings. */
export interface Look {
  state: State;
  /** Why it failed or waits. */
  sentence?: string | undefined;
  reason?: string | undefined;
  /** Its place in the queue. */
  position?: number | undefined;
  unreachable: boolean;
  job?: string | undefined;
  /** The run that the state is of. */
  run?: string | undefined;
  startedAt?: string | undefined;
  finishedAt?: string | undefined;
  attempts: number;
  reusedFrom?: string | undefined;
  staleBecause: readonly string[];
  problems: readonly Problem[];
}

export const UNKNOWN: Look = {
  state: "ready",
  unreachable: false,
  attempts: 0,
  staleBecause: [],
  problems: [],
};

export class Board {
  private looks: ReadonlyMap<string, Look> = new Map();
  private readonly texts = new Map<string, string>();
  private readonly listeners = new Map<string, Set<() => void>>();

  get(name: string): Look {
    return this.looks.get(name) ?? UNKNOWN;
  }

  all(): ReadonlyMap<string, Look> {
    return this.looks;
  }

  /** Takes over what differs and tells those who listen to it. */
  set(looks: ReadonlyMap<string, Look>): void {
    const next = new Map<string, Look>();
    const heard = new Set<string>();
    for (const [name, look] of looks) {
      const text = JSON.stringify(look);
      const known = this.looks.get(name);
      if (known && this.texts.get(name) === text) {
        next.set(name, known);
      } else {
        next.set(name, look);
        heard.add(name);
      }
      this.texts.set(name, text);
    }
    for (const name of this.looks.keys()) {
      if (looks.has(name)) continue;
      heard.add(name);
      this.texts.delete(name);
    }
    if (heard.size === 0) return;
    this.looks = next;
    for (const name of [...heard, ""]) for (const tell of this.listeners.get(name) ?? []) tell();
  }

  /** Listens to one node; with an empty name, to all. */
  subscribe(name: string, tell: () => void): () => void {
    const found = this.listeners.get(name) ?? new Set();
    this.listeners.set(name, found.add(tell));
    return () => found.delete(tell);
  }
}
