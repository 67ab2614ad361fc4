/** What binds an editor to the platform: drafts are kept, layouts follow, saving and running go through it. */
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { ApiProblem } from "@/api/client";
import { toast, toastProblem } from "@/ui/toast";
import { sent } from "@/uploads/uploads";
import { dropDraft, keepDraft } from "./drafts";
import type { Graph, Json } from "./model/graph";
import {
  type Conflict,
  conflictOf,
  graphOf,
  saveLayout,
  saveWorkflow,
  type Workflow,
  workflowQuery,
} from "./server/workflow";
import type { EditorStore } from "./store/editor";

const DRAFT_AFTER = 250;
const LAYOUT_AFTER = 1_500;

/**
 * Keeps a draft at every change, and the layout on the platform once it is still.
 *
 * @param enabled False while an earlier draft is offered and not answered: nothing takes its place.
 */
export function useKeeping(id: string, store: EditorStore, enabled: boolean): void {
  useEffect(() => {
    if (!enabled) return undefined;
    let draft: number | undefined;
    let layout: number | undefined;
    const keep = () => {
      window.clearTimeout(draft);
      draft = undefined;
      const { dirty, base, history } = store.getState();
      if (dirty) keepDraft(id, base, history.graph);
      else dropDraft(id);
    };
    const leave = () => {
      if (draft !== undefined) keep();
    };
    const stop = store.subscribe((now, before) => {
      if (now.history.graph === before.history.graph && now.dirty === before.dirty) return;
      draft ??= window.setTimeout(keep, DRAFT_AFTER);
      window.clearTimeout(layout);
      if (now.dirty || now.history.graph === now.savedGraph) return;
      layout = window.setTimeout(
        () => void saveLayout(id, store.getState().history.graph).catch(() => undefined),
        LAYOUT_AFTER,
      );
    });
    window.addEventListener("pagehide", leave);
    return () => {
      stop();
      leave();
      window.clearTimeout(layout);
      window.removeEventListener("pagehide", leave);
    };
  }, [id, store, enabled]);
}

/** Files that the graph names; they have to be on the platform before it is saved. */
function filesIn(value: Json): string[] {
  if (Array.isArray(value)) return value.flatMap(filesIn);
  if (typeof value !== "object" || value === null) return [];
  const own = value["sha256"];
  return typeof own === "string" ? [own] : Object.values(value).flatMap(filesIn);
}

export async function filesSent(graph: Graph): Promise<void> {
  const files = new Set(graph.nodes.flatMap((node) => filesIn(node.settings as Json)));
  await Promise.all([...files].map(sent));
}

/** Sends a script that was typed and not sent yet, by the name that its draft is kept under. */
export type Deliver = (keepAs: string) => Promise<{ sha256: string; name: string } | undefined>;

export function useSaving(id: string, store: EditorStore, deliver: Deliver) {
  const queries = useQueryClient();
  const { t } = useTranslation("canvas");
  const [conflict, setConflict] = useState<Conflict>();
  const mutation = useMutation({
    mutationFn: async ({ graph, base }: { graph: Graph; base: number }) => {
      await filesSent(graph);
      return saveWorkflow(id, base, graph);
    },
  });

  function took(workflow: Workflow, graph: Graph): void {
    queries.setQueryData(workflowQuery(id).queryKey, workflow);
    store.getState().saved(graph, workflow.version);
    void queries.invalidateQueries({ queryKey: ["workflows"] });
    void queries.invalidateQueries({ queryKey: ["workflow-nodes", id] });
    void queries.invalidateQueries({ queryKey: ["versions", id] });
  }

  async function typedScripts(): Promise<void> {
    for (const { id: node, name, kind } of store.getState().history.graph.nodes) {
      const script = kind === "pytorch" ? await deliver(`${id}.${name}`) : undefined;
      if (script) store.getState().change({ type: "set", node, path: ["script"], value: script });
    }
  }

  /** Whether what is drawn is what the platform holds. */
  async function save(force?: number): Promise<boolean> {
    store.getState().close();
    try {
      await typedScripts();
      const { dirty, base, history } = store.getState();
      if (!dirty && force === undefined) return true;
      took(await mutation.mutateAsync({ graph: history.graph, base: force ?? base }), history.graph);
      setConflict(undefined);
      return true;
    } catch (problem) {
      const found = problem instanceof ApiProblem ? conflictOf(problem) : undefined;
      if (found) setConflict(found);
      else toastProblem(problem instanceof Error ? problem : new Error(String(problem)));
      return false;
    }
  }

  /** Takes what others saved; one's own is an undo away. */
  async function takeTheirs(): Promise<void> {
    const workflow = await queries.fetchQuery({ ...workflowQuery(id), staleTime: 0 });
    const graph = graphOf(workflow, store.getState().history.graph);
    store.getState().change({ type: "replace", graph });
    took(workflow, graph);
    setConflict(undefined);
    toast(t("conflict.took"));
  }

  return { save, saving: mutation.isPending, conflict, setConflict, takeTheirs };
}
