/** The editor of one workflow: everything around the canvas, bound to the platform. */
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { ReactFlowProvider } from "@xyflow/react";
import { type ReactNode, useEffect, useMemo, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { useStore } from "zustand";
import { type RunDetail, runEnded, runsQuery, useRun } from "@/live/run";
import { ProblemNote } from "@/ui/ProblemNote";
import { Skeleton } from "@/ui/Skeleton";
import { toastProblem } from "@/ui/toast";
import { useTitle } from "@/ui/useTitle";
import { Board } from "./board";
import { Canvas } from "./Canvas";
import { ConflictDialog } from "./ConflictDialog";
import { EditorContext, type Host, type Mode } from "./context";
import { Dock, type RenderJob } from "./Dock";
import { DraftBar } from "./DraftBar";
import { Dialogs } from "./dialogs/Dialogs";
import { type Draft, draftGraph, dropDraft, keptDraft } from "./drafts";
import { EmptyCanvas } from "./EmptyCanvas";
import { looksOf } from "./looks";
import { NodeMenu } from "./NodeMenu";
import { Panel, type RenderFields } from "./panel/Panel";
import { SearchBox } from "./SearchBox";
import { useProblems } from "./server/checking";
import { graphOf, renameWorkflow, summariesQuery, type Workflow, workflowQuery } from "./server/workflow";
import { createEditor } from "./store/editor";
import { Toolbar } from "./Toolbar";
import { Tree } from "./Tree";
import { UploadStrip } from "./UploadStrip";
import { type Deliver, useKeeping, useSaving } from "./useEditing";
import { useKeys } from "./useKeys";
import { useRunning } from "./useRunning";
import { useTemplates } from "./useTemplates";
import { useView } from "./view";

export interface Slots {
  renderFields: RenderFields;
  renderJob: RenderJob;
  deliver: Deliver;
}

export function WorkflowEditor({ id, ...slots }: Slots & { id: string }) {
  const query = useQuery(workflowQuery(id));
  if (query.isError) return <ProblemNote problem={query.error} className="m-6" />;
  if (!query.data) return <Waiting />;
  return (
    <ReactFlowProvider key={id}>
      <Editing workflow={query.data} {...slots} />
    </ReactFlowProvider>
  );
}

function Waiting() {
  return (
    <div className="flex h-full flex-col gap-2 p-2">
      <Skeleton className="h-9" />
      <div className="flex flex-1 gap-2">
        <Skeleton className="w-56" />
        <Skeleton className="flex-1" />
        <Skeleton className="w-88" />
      </div>
    </div>
  );
}

function Editing({ workflow, renderFields, renderJob, deliver }: Slots & { workflow: Workflow }) {
  const { t, i18n } = useTranslation("canvas");
  useTitle(workflow.name);
  const queries = useQueryClient();
  const [{ store, board, draft: found }] = useState(() => opened(workflow));
  const [draft, setDraft] = useState(found);
  // What is dropped on an empty canvas stays where it was dropped.
  const [filled] = useState(() => store.getState().history.graph.nodes.length > 0);
  const view = useView();
  const [wish, setWish] = useState<Mode>();
  const [runId, setRunId] = useState<string>();
  const graph = useStore(store, (state) => state.history.graph);
  const dock = useStore(store, (state) => state.dock.open);
  const treeOpen = useStore(store, (state) => state.treeOpen);
  const panelOpen = useStore(store, (state) => state.panelOpen);

  const latest = useQuery(runsQuery(workflow.id, 10)).data?.items[0]?.id;
  const { data: run } = useRun(runId ?? latest);
  const problems = useProblems(graph, true);
  const saving = useSaving(workflow.id, store, deliver);
  useKeeping(workflow.id, store, draft === undefined);
  const running = useRunning(workflow.id, store, (started) => {
    setRunId(started.id);
    setWish(undefined);
    store.getState().show({ dialog: undefined });
  });

  // A run that others, or a schedule, started takes the place of one that has ended.
  const ended = run === undefined || runEnded(run);
  useEffect(() => {
    if (ended && latest && latest !== runId) setRunId(undefined);
  }, [ended, latest, runId]);

  const { data: summaries } = useQuery(summariesQuery(workflow.id));
  useEffect(() => {
    if (ended) void queries.invalidateQueries({ queryKey: ["workflow-nodes", workflow.id] });
  }, [ended, queries, workflow.id]);
  const spoken = i18n.language;
  // biome-ignore lint/correctness/useExhaustiveDependencies: another language says otherwise how nodes stand
  useEffect(() => {
    board.set(looksOf({ graph, run, summaries, problems }));
  }, [board, graph, run, summaries, problems, spoken]);

  const insertTemplate = useTemplates(store);
  const asked = useLatest({ saving, running, run, setWish });
  const host = useMemo((): Host => {
    const now = () => asked.current;
    return {
      save: () => now().saving.save(),
      run: (mode, ask) => {
        const { history, show } = store.getState();
        if (ask || history.graph.parameters.length) {
          now().running.start.reset();
          now().setWish(mode);
          show({ dialog: "run" });
          return;
        }
        void now()
          .saving.save()
          .then((held) => held && now().running.start.mutate({ mode }));
      },
      stop: () => {
        const going = now().run;
        if (going && !runEnded(going)) now().running.stop.mutate(going.id);
      },
      stopNode: (node) => {
        const going = now().run;
        if (going) now().running.stopNode.mutate({ run: going.id, node });
      },
      insertTemplate,
    };
  }, [asked, store, insertTemplate]);

  const editor = useMemo(() => ({ store, board, host }), [store, board, host]);

  function rename(name: string): void {
    renameWorkflow(workflow.id, name)
      .then((renamed) => {
        queries.setQueryData(workflowQuery(workflow.id).queryKey, (old) =>
          old ? { ...old, name: renamed.name } : old,
        );
        return queries.invalidateQueries({ queryKey: ["workflows"] });
      })
      .catch(toastProblem);
  }

  return (
    <EditorContext value={editor}>
      <Keys>
        <div className="flex h-full flex-col">
          <h1 className="sr-only">{t("title.page", { name: workflow.name })}</h1>
          <Toolbar
            workflow={workflow}
            onRename={rename}
            run={run}
            saving={saving.saving}
            starting={running.start.isPending}
            problems={problems.length}
          />
          {draft ? (
            <DraftBar
              draft={draft}
              onTake={() => {
                store
                  .getState()
                  .change({ type: "replace", graph: draftGraph(draft, store.getState().history.graph) });
                store.setState({ base: draft.base });
                setDraft(undefined);
                requestAnimationFrame(view.fit);
              }}
              onDrop={() => {
                dropDraft(workflow.id);
                setDraft(undefined);
              }}
            />
          ) : null}
          <div className="flex min-h-0 flex-1">
            {treeOpen ? <Tree /> : null}
            <div className="relative flex min-w-0 flex-1 flex-col">
              <div className="relative min-h-0 flex-1" data-region>
                <Canvas fit={filled} />
                {graph.nodes.length ? null : <EmptyCanvas />}
                <UploadStrip />
              </div>
              {dock ? <Dock renderJob={renderJob} problems={problems} /> : null}
            </div>
            {panelOpen ? <Panel renderFields={renderFields} keepAs={workflow.id} /> : null}
          </div>
        </div>
        <NodeMenu />
        <SearchBox />
        <Dialogs
          workflow={workflow}
          run={run}
          mode={wish}
          starting={running.start.isPending}
          problem={running.start.error ?? undefined}
          onRun={(request) => void saving.save().then((held) => held && running.start.mutate(request))}
          onRestored={(restored) => {
            const restoredGraph = graphOf(restored, store.getState().history.graph);
            store.getState().change({ type: "replace", graph: restoredGraph });
            store.getState().saved(restoredGraph, restored.version);
          }}
          onResumed={(resumed: RunDetail) => setRunId(resumed.id)}
          renderFields={renderFields}
        />
        {saving.conflict ? (
          <ConflictDialog
            conflict={saving.conflict}
            name={workflow.name}
            graph={graph}
            onTakeTheirs={() => void saving.takeTheirs().catch(toastProblem)}
            onOverwrite={(current) => void saving.save(current)}
            onClose={() => saving.setConflict(undefined)}
          />
        ) : null}
      </Keys>
    </EditorContext>
  );
}

function Keys({ children }: { children: ReactNode }) {
  useKeys();
  return children;
}

/** The store of a workflow as the platform holds it, and the draft of it that this browser holds. */
function opened(workflow: Workflow) {
  const store = createEditor();
  const graph = graphOf(workflow);
  store.getState().load(graph, workflow.version);
  const kept = keptDraft(workflow.id);
  const draft: Draft | undefined =
    kept && JSON.stringify(kept.graph) !== store.getState().savedMeaning ? kept : undefined;
  return { store, board: new Board(), draft };
}

function useLatest<T>(value: T) {
  const latest = useRef(value);
  useEffect(() => {
    latest.current = value;
  });
  return latest;
}
