/** Over the canvas: run and stop, save, undo, and the ways to everything else of the workflow. */
import clsx from "clsx";
import {
  CalendarClock,
  History,
  LayoutGrid,
  PanelBottom,
  PanelLeftOpen,
  PanelRightOpen,
  Redo2,
  Save,
  Settings2,
  SlidersHorizontal,
  Undo2,
} from "lucide-react";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import type { RunDetail } from "@/live/run";
import { Button, IconButton } from "@/ui/Button";
import { useEditor, useEditorParts } from "./context";
import { tidied } from "./model/tidy";
import { RunButtons } from "./RunButtons";
import { Title } from "./Title";
import { ToolbarMenu } from "./ToolbarMenu";
import { useView } from "./view";

interface ToolbarProps {
  workflow: { id: string; name: string };
  onRename: (name: string) => void;
  run: RunDetail | undefined;
  saving: boolean;
  starting: boolean;
  problems: number;
}

export function Toolbar({ workflow, onRename, run, saving, starting, problems }: ToolbarProps) {
  const { t } = useTranslation("canvas");
  const { store, host } = useEditorParts();
  const view = useView();
  const dirty = useEditor((state) => state.dirty);
  const undoable = useEditor((state) => state.history.past.length > 0);
  const redoable = useEditor((state) => state.history.future.length > 0);
  const treeOpen = useEditor((state) => state.treeOpen);
  const panelOpen = useEditor((state) => state.panelOpen);
  const dockOpen = useEditor((state) => state.dock.open);
  const { show, undo, redo, change, openDock, history } = store.getState();
  return (
    <div
      role="toolbar"
      aria-label={t("toolbar")}
      className="flex min-h-11 shrink-0 items-center gap-1 border-line border-b bg-surface px-2 max-md:flex-wrap max-md:py-1"
      data-region
    >
      {treeOpen ? null : (
        <Tool
          label={t("tree.show")}
          onClick={() => show({ treeOpen: true })}
          icon={<PanelLeftOpen aria-hidden className="size-4" />}
        />
      )}
      <Title name={workflow.name} onRename={onRename} />
      <Tool
        label={dirty ? t("save.dirty") : t("save.clean")}
        keys="Ctrl+S"
        disabled={saving}
        onClick={() => void host.save()}
        icon={
          <span className="relative">
            <Save aria-hidden className={clsx("size-4", saving && "animate-pulse")} />
            {dirty ? (
              <span
                aria-hidden
                className="absolute -top-1 -right-1 size-2 rounded-full bg-[#dc2626] ring-2 ring-surface"
              />
            ) : null}
          </span>
        }
      />
      <Tool
        label={t("undo")}
        keys="Ctrl+Z"
        disabled={!undoable}
        onClick={undo}
        icon={<Undo2 aria-hidden className="size-4" />}
      />
      <Tool
        label={t("redo")}
        keys="Ctrl+Shift+Z"
        disabled={!redoable}
        onClick={redo}
        icon={<Redo2 aria-hidden className="size-4" />}
      />
      <Tool
        label={t("view.tidy")}
        keys="Shift+L"
        onClick={() => {
          change({ type: "move", positions: tidied(store.getState().history.graph) });
          requestAnimationFrame(view.fit);
        }}
        icon={<LayoutGrid aria-hidden className="size-4" />}
      />
      <span className="mx-1 h-5 w-px bg-line" />
      <RunButtons run={run} starting={starting} />
      {problems ? (
        <Button
          kind="quiet"
          className="text-danger!"
          onClick={() => openDock({ open: true, tab: "problems" })}
        >
          {t("problems.count", { count: problems })}
        </Button>
      ) : null}
      <div className="ml-auto flex items-center gap-0.5">
        <Link
          to={`/workflows/${workflow.id}/runs`}
          className="inline-flex h-8 items-center gap-1.5 rounded-md px-2 text-ink-soft hover:bg-sunken hover:text-ink"
        >
          <History aria-hidden className="size-4" />
          <span className="hidden xl:inline">{t("history")}</span>
        </Link>
        <Labelled
          text={t("parameters.title")}
          onClick={() => show({ dialog: "parameters" })}
          count={history.graph.parameters.length}
        >
          <SlidersHorizontal aria-hidden className="size-4" />
        </Labelled>
        <Labelled text={t("schedule.title")} onClick={() => show({ dialog: "schedule" })}>
          <CalendarClock aria-hidden className="size-4" />
        </Labelled>
        <Labelled text={t("settings.title")} onClick={() => show({ dialog: "settings" })}>
          <Settings2 aria-hidden className="size-4" />
        </Labelled>
        <ToolbarMenu workflow={workflow} run={run} />
        <Tool
          label={t("dock.toggle")}
          keys="Ctrl+`"
          onClick={() => openDock({ open: !dockOpen })}
          icon={<PanelBottom aria-hidden className="size-4" />}
        />
        {panelOpen ? null : (
          <Tool
            label={t("panel.show")}
            onClick={() => show({ panelOpen: true })}
            icon={<PanelRightOpen aria-hidden className="size-4" />}
          />
        )}
      </div>
    </div>
  );
}

interface ToolProps {
  label: string;
  keys?: string;
  disabled?: boolean;
  onClick: () => void;
  icon: ReactNode;
}

function Tool({ label, keys, disabled, onClick, icon }: ToolProps) {
  return (
    <IconButton label={label} shortcut={keys} disabled={disabled} onClick={onClick}>
      {icon}
    </IconButton>
  );
}

function Labelled({
  text,
  count,
  onClick,
  children,
}: {
  text: string;
  count?: number;
  onClick: () => void;
  children: ReactNode;
}) {
  return (
    <Button kind="quiet" className="px-2!" onClick={onClick} aria-label={text} title={text}>
      {children}
      <span className="hidden xl:inline">{text}</span>
      {count ? <span className="rounded-full bg-sunken px-1.5 text-xs">{count}</span> : null}
    </Button>
  );
}
