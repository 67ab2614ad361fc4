/** Starting and stopping runs from the editor. */
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { body } from "@/api/body";
import { ApiProblem, api, data, type Schema } from "@/api/client";
import { type RunDetail, runQuery } from "@/live/run";
import { toast, toastProblem } from "@/ui/toast";
import type { Mode } from "./context";
import type { EditorStore } from "./store/editor";

export interface RunWish {
  mode: Mode;
  parameters?: Readonly<Record<string, string | number | boolean>>;
  force?: boolean;
  source_run?: string;
  name?: string;
}

export function useRunning(workflow: string, store: EditorStore, onStarted: (run: RunDetail) => void) {
  const queries = useQueryClient();
  const { t } = useTranslation("canvas");

  function failed(problem: Error): void {
    if (problem instanceof ApiProblem && problem.code === "workflow_invalid") {
      toast(t("problems.first"));
      store.getState().openDock({ open: true, tab: "problems" });
      return;
    }
    toastProblem(problem);
  }

  function read(run: Schema<"Run">): void {
    void queries.invalidateQueries({ queryKey: ["run", run.id] });
    void queries.invalidateQueries({ queryKey: ["runs"] });
  }

  const start = useMutation({
    mutationFn: (wish: RunWish) =>
      data(
        api.POST("/api/v1/workflows/{workflow_id}/runs", {
          params: { path: { workflow_id: workflow } },
          body: body({ ...wish, version: store.getState().base }),
          headers: { "Idempotency-Key": crypto.randomUUID() },
        }),
      ),
    onSuccess: (run) => {
      queries.setQueryData(runQuery(run.id).queryKey, run);
      void queries.invalidateQueries({ queryKey: ["runs"] });
      onStarted(run);
    },
    onError: failed,
  });
  const stop = useMutation({
    mutationFn: (run: string) =>
      data(api.POST("/api/v1/runs/{run_id}/stop", { params: { path: { run_id: run } } })),
    onSuccess: read,
    onError: failed,
  });
  const stopNode = useMutation({
    mutationFn: ({ run, node }: { run: string; node: string }) =>
      data(
        api.POST("/api/v1/runs/{run_id}/nodes/{name}/stop", {
          params: { path: { run_id: run, name: node } },
        }),
      ),
    onSuccess: read,
    onError: failed,
  });
  return { start, stop, stopNode };
}
