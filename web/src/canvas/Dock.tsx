/** Under the canvas: status, logs and outputs of the chosen node, and the list of problems. */
import { useNodesInitialized, useStore } from "@xyflow/react";
import { ChevronDown } from "lucide-react";
import { type PointerEvent, type ReactNode, useEffect, useMemo, useRef } from "react";
import { useTranslation } from "react-i18next";
import { IconButton } from "@/ui/Button";
import { Empty } from "@/ui/Empty";
import { StateBadge } from "@/ui/StateBadge";
import { Tabs } from "@/ui/Tabs";
import type { Problem } from "./board";
import { useEditor, useEditorParts, useLook } from "./context";
import { ProblemList } from "./ProblemList";
import { Status } from "./Status";
import type { DockTab, LogFile } from "./store/editor";
import { pane, useView } from "./view";

/** Draws what a job left: its logs with one of them in front, its outputs, its resources. */
export type RenderJob = (job: string, part: "logs" | "outputs" | "resources", log: LogFile) => ReactNode;

const OF_NODE: readonly DockTab[] = ["status", "logs", "outputs", "resources"];
const LEAST = 120;

export function Dock({ renderJob, problems }: { renderJob: RenderJob; problems: readonly Problem[] }) {
  const { t } = useTranslation("canvas");
  const dock = useEditor((state) => state.dock);
  const openDock = useEditor((state) => state.openDock);
  const readOnly = useEditor((state) => state.readOnly);
  const last = useEditor((state) => state.selection.at(-1));
  const chosen = last ?? dock.node;
  const node = useEditor((state) => state.history.graph.nodes.find((one) => one.id === chosen));
  const look = useLook(node?.name ?? "");
  const tabs = useMemo(() => {
    const all = readOnly ? OF_NODE : [...OF_NODE, "problems" as const];
    return all.map((id) => ({
      id,
      label: id === "problems" ? t("problems.tab", { count: problems.length }) : t(`dock.${id}`),
    }));
  }, [t, readOnly, problems.length]);
  useInSight(node?.id, dock.open);
  if (!dock.open) return null;
  return (
    <section
      aria-label={t("dock.title")}
      className="relative flex shrink-0 flex-col border-line border-t bg-surface"
      style={{ height: dock.height, maxHeight: "60%" }}
      data-region
      data-keys
    >
      <Grip />
      <Tabs
        label={t("dock.title")}
        tabs={tabs}
        value={dock.tab}
        onChange={(tab) => openDock({ tab })}
        aside={
          <>
            {node && dock.tab !== "problems" ? (
              <span className="mr-2 flex items-center gap-2 text-ink-soft">
                <strong className="max-w-48 truncate font-medium text-ink">{node.name}</strong>
                <StateBadge state={look.state} />
              </span>
            ) : null}
            <IconButton label={t("dock.close")} shortcut="Ctrl+`" onClick={() => openDock({ open: false })}>
              <ChevronDown aria-hidden className="size-4" />
            </IconButton>
          </>
        }
      >
        {dock.tab === "problems" ? (
          <ProblemList problems={problems} />
        ) : !node ? (
          <Empty title={t("dock.choose")} />
        ) : dock.tab === "status" ? (
          <Status node={node} look={look} />
        ) : look.job ? (
          <div
            key={`${look.job} ${dock.tab} ${dock.asked}`}
            className="flex min-h-0 flex-1 flex-col overflow-auto"
          >
            {renderJob(look.job, dock.tab, dock.log)}
          </div>
        ) : (
          <Empty title={t(node.kind === "dataset" ? "dock.dataset" : "dock.noJob", { name: node.name })} />
        )}
      </Tabs>
    </section>
  );
}

/** Brings the node that the dock is about into what is left of the canvas. */
function useInSight(node: string | undefined, open: boolean): void {
  const view = useView();
  const height = useStore((state) => state.height);
  const drawn = useNodesInitialized();
  const brought = useRef<string>(undefined);
  useEffect(() => {
    if (!open) brought.current = undefined;
    // The canvas hears of the room that the dock takes only after it was taken.
    const settled = drawn && pane()?.offsetHeight === height;
    if (!node || !open || !settled || brought.current === node) return undefined;
    const frame = requestAnimationFrame(() => {
      brought.current = node;
      if (!view.sees(node)) view.show([node]);
    });
    return () => cancelAnimationFrame(frame);
  }, [node, open, height, drawn, view]);
}

/** The upper edge: dragged, or moved with the arrows, it makes the dock higher or lower. */
function Grip() {
  const { t } = useTranslation("canvas");
  const { store } = useEditorParts();
  const height = useEditor((state) => state.dock.height);
  const resize = (wanted: number) => {
    const most = window.innerHeight - 220;
    store.getState().openDock({ height: Math.min(most, Math.max(LEAST, wanted)) });
  };

  function start(event: PointerEvent<HTMLElement>): void {
    const grip = event.currentTarget;
    const from = { y: event.clientY, height };
    grip.setPointerCapture(event.pointerId);
    grip.onpointermove = (move) => resize(from.height + from.y - move.clientY);
    grip.onpointerup = () => {
      grip.onpointermove = null;
    };
  }

  return (
    // biome-ignore lint/a11y/useSemanticElements: a separator that moves is no `hr`
    <div
      role="separator"
      aria-orientation="horizontal"
      aria-label={t("dock.resize")}
      aria-valuenow={Math.round(height)}
      aria-valuemin={LEAST}
      tabIndex={0}
      className="absolute inset-x-0 -top-1 z-10 h-2 cursor-row-resize hover:bg-accent/30"
      onPointerDown={start}
      onKeyDown={(event) => {
        if (event.key === "ArrowUp") resize(height + 24);
        if (event.key === "ArrowDown") resize(height - 24);
      }}
    />
  );
}
