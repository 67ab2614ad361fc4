/** What is wrong with the graph, asked of the platform soon after each change. */

import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useEffect, useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { body } from "@/api/body";
import { api, data, type Schema } from "@/api/client";
import { faultOf } from "@/i18n/said";
import type { Problem } from "../board";
import type { Graph } from "../model/graph";
import { meaning } from "../model/wire";
import { wireOf } from "./workflow";

/** Milliseconds without a change before the platform is asked. */
const CALM = 300;
const NONE: readonly Problem[] = [];

export function checkGraph(graph: Graph): Promise<Schema<"Checked">> {
  return data(api.POST("/api/v1/graphs/check", { body: body({ graph: wireOf(graph) }) }));
}

/** Of an empty graph nothing is told: nobody has made a mistake yet. */
export function useProblems(graph: Graph, enabled: boolean): readonly Problem[] {
  const [calm, setCalm] = useState(graph);
  useEffect(() => {
    const timer = window.setTimeout(() => setCalm(graph), CALM);
    return () => window.clearTimeout(timer);
  }, [graph]);
  const asks = enabled && calm.nodes.length > 0;
  const { data: checked } = useQuery({
    queryKey: ["graph-check", asks ? meaning(calm) : ""],
    queryFn: () => checkGraph(calm),
    enabled: asks,
    placeholderData: keepPreviousData,
    gcTime: 0,
    staleTime: 60_000,
  });
  const spoken = useTranslation().i18n.language;
  // biome-ignore lint/correctness/useExhaustiveDependencies: another language says it otherwise
  return useMemo(
    () => (asks && checked ? checked.problems.map((one) => ({ ...one, message: faultOf(one) })) : NONE),
    [asks, checked, spoken],
  );
}
