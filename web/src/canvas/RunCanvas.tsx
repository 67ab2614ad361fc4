/** The frozen graph of a run, to be read: states, settings, logs and outputs of its nodes. */
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { ReactFlowProvider } from "@xyflow/react";
import { PanelRightOpen } from "lucide-react";
import { type ReactNode, useEffect, useMemo, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { useStore } from "zustand";
import { api, data } from "@/api/client";
import type { RunDetail } from "@/live/run";
import { IconButton } from "@/ui/Button";
import { toastProblem } from "@/ui/toast";
import { Board } from "./board";
import { Canvas } from "./Canvas";
import { EditorContext, type Host } from "./context";
import { Dock, type RenderJob } from "./Dock";
import { looksOf } from "./looks";
import type { Graph } from "./model/graph";
import { tidied } from "./model/tidy";
import { fromWire, type WireGraph, type WireLayout } from "./model/wire";
import { NodeMenu } from "./NodeMenu";
import { Panel, type RenderFields } from "./panel/Panel";
import { workflowQuery } from "./server/workflow";
import { createEditor } from "./store/editor";
import { useKeys } from "./useKeys";

interface RunCanvasProps {
  run: RunDetail;
  chosen: string | undefined;
  onChoose: (node: string | undefined) => void;
  renderFields: RenderFields;
  renderJob: RenderJob;
}

export function RunCanvas(props: RunCanvasProps) {
  // Where things stood is no part of a run: today's places serve, as far as they are known.
  const workflow = useQuery({
    ...workflowQuery(props.run.workflow ?? ""),
    enabled: Boolean(props.run.workflow),
  });
  if (props.run.workflow && workflow.isPending) return null;
  const layout = (workflow.data?.layout ?? { positions: {} }) as WireLayout;
  return (
    <ReactFlowProvider key={props.run.id}>
      <Frozen layout={layout} {...props} />
    </ReactFlowProvider>
  );
}

function placed(run: RunDetail, layout: WireLayout): Graph {
  const graph = fromWire(run.graph as WireGraph, layout);
  if (graph.nodes.every((node) => layout.positions[node.name])) return graph;
  const places = tidied(graph);
  return {
    ...graph,
    nodes: graph.nodes.map((node) => ({ ...node, position: places[node.id] ?? node.position })),
  };
}

function Frozen({
  run,
  layout,
  chosen,
  onChoose,
  renderFields,
  renderJob,
}: RunCanvasProps & { layout: WireLayout }) {
  const [{ store, board }] = useState(() => {
    const made = createEditor(true);
    made.getState().load(placed(run, layout), run.version ?? 0);
    return { store: made, board: new Board() };
  });
  const graph = useStore(store, (state) => state.history.graph);
  const panelOpen = useStore(store, (state) => state.panelOpen);
  const { t } = useTranslation("canvas");
  const queries = useQueryClient();
  const stopNode = useMutation({
    mutationFn: (name: string) =>
      data(
        api.POST("/api/v1/runs/{run_id}/nodes/{name}/stop", { params: { path: { run_id: run.id, name } } }),
      ),
    onSuccess: () => queries.invalidateQueries({ queryKey: ["run", run.id] }),
    onError: toastProblem,
  });

  useEffect(() => {
    board.set(looksOf({ graph, run, problems: [], frozen: true }));
  }, [board, graph, run]);

  const tell = useRef(onChoose);
  useEffect(() => {
    tell.current = onChoose;
  });
  useEffect(
    () =>
      store.subscribe((now, before) => {
        if (now.selection === before.selection) return;
        const node = now.history.graph.nodes.find((one) => one.id === now.selection.at(-1));
        tell.current(node?.name);
        if (node) now.openDock({ open: true });
      }),
    [store],
  );

  const stop = stopNode.mutate;
  const host = useMemo(
    (): Host => ({
      save: () => Promise.resolve(true),
      run: () => undefined,
      stop: () => undefined,
      stopNode: (name) => stop(name),
      insertTemplate: () => undefined,
    }),
    [stop],
  );
  const editor = useMemo(() => ({ store, board, host }), [store, board, host]);
  return (
    <EditorContext value={editor}>
      <Choosing wanted={chosen} store={store}>
        <div className="relative flex min-w-0 flex-1 flex-col">
          <div className="relative min-h-0 flex-1" data-region>
            <Canvas fit />
            {panelOpen ? null : (
              <div className="absolute top-3 right-3 rounded-lg border border-line bg-raised p-0.5 shadow-sm">
                <IconButton
                  label={t("panel.show")}
                  className="h-7!"
                  onClick={() => store.getState().show({ panelOpen: true })}
                >
                  <PanelRightOpen aria-hidden className="size-4" />
                </IconButton>
              </div>
            )}
          </div>
          <Dock renderJob={renderJob} problems={[]} />
        </div>
        {panelOpen ? <Panel renderFields={renderFields} keepAs={`run.${run.id}`} /> : null}
        <NodeMenu />
      </Choosing>
    </EditorContext>
  );
}

function Choosing({
  wanted,
  store,
  children,
}: {
  wanted: string | undefined;
  store: ReturnType<typeof createEditor>;
  children: ReactNode;
}) {
  useKeys();
  useEffect(() => {
    const { history, selection, select, openDock } = store.getState();
    const node = history.graph.nodes.find((one) => one.name === wanted);
    if (!node || selection.at(-1) === node.id) return;
    select([node.id]);
    openDock({ open: true });
  }, [wanted, store]);
  return children;
}
