/** What was changed of nodes' settings for a resume that has not been asked for yet. */
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { api, data } from "@/api/client";
import type { RunDetail } from "@/live/run";
import { withValue } from "../model/changes";
import type { Json, Settings } from "../model/graph";
import { overridden, overrideOf } from "./overrides";

export type From = "frozen" | "today";
type Override = Readonly<Record<string, Json>>;
const NOTHING: Override = {};

export interface Overrides {
  /** False while the settings of today are being read. */
  ready: boolean;
  kindOf: (name: string) => "pytorch" | "dataset";
  settingsOf: (name: string) => Settings;
  changedIn: (name: string) => readonly string[];
  put: (name: string, path: readonly string[], value: (now: Settings) => Json | undefined) => void;
  reset: (name: string) => void;
  /** Of these nodes, without those that run with what they have. */
  of: (names: Iterable<string>) => Record<string, Override>;
}

export function useOverrides(run: RunDetail, from: From): Overrides {
  const [changes, setChanges] = useState<Readonly<Record<string, Override>>>({});
  const today = useQuery({
    queryKey: ["workflow-today", run.workflow ?? ""],
    queryFn: () =>
      data(
        api.GET("/api/v1/workflows/{workflow_id}", { params: { path: { workflow_id: run.workflow ?? "" } } }),
      ),
    enabled: from === "today" && Boolean(run.workflow),
  });
  const graph = from === "today" ? today.data?.graph : run.graph;
  const nodeOf = (name: string) =>
    [graph, run.graph].flatMap((one) => one?.nodes ?? []).find((node) => node.name === name);
  const base = (name: string) => (nodeOf(name)?.settings ?? {}) as Settings;
  return {
    ready: graph !== undefined,
    kindOf: (name) => nodeOf(name)?.kind ?? "pytorch",
    settingsOf: (name) => overridden(base(name), changes[name] ?? NOTHING),
    changedIn: (name) => Object.keys(changes[name] ?? NOTHING),
    put: (name, path, value) =>
      setChanges((now) => {
        const before = overridden(base(name), now[name] ?? NOTHING);
        return { ...now, [name]: overrideOf(base(name), withValue(before, path, value(before))) };
      }),
    reset: (name) => setChanges((now) => ({ ...now, [name]: NOTHING })),
    of: (names) =>
      Object.fromEntries(
        [...names].flatMap((name) => {
          const override = changes[name] ?? NOTHING;
          return Object.keys(override).length ? [[name, override]] : [];
        }),
      ),
  };
}
