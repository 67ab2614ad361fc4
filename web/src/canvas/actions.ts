/** What can be done with a node: the same entries for the menu, the action bar and the palette. */
import {
  Clipboard,
  Copy,
  FileText,
  FileWarning,
  FolderOutput,
  Gauge,
  Info,
  type LucideIcon,
  Pencil,
  Play,
  ScrollText,
  SkipForward,
  Square,
  StepBack,
  StepForward,
  Trash2,
} from "lucide-react";
import type canvas from "@/i18n/en/canvas.json";
import { nodeOpen } from "@/live/run";
import { copyText } from "./clipboard";
import type { Editor, Mode } from "./context";
import { copied, pasted } from "./model/clipboard";
import type { Point } from "./model/graph";
import type { DockTab, LogFile } from "./store/editor";

export type ActionId = keyof typeof canvas.action;

export interface Action {
  id: ActionId;
  icon: LucideIcon;
  keys?: string;
  danger?: boolean;
  disabled?: boolean;
  /** Entries of one group stand together. */
  group: "run" | "edit" | "see";
  run: () => void;
}

/** For the node `id`; what several nodes can do at once is done with all selected ones. */
export function nodeActions(editor: Editor, id: string): Action[] {
  const { store, board, host } = editor;
  const { history, selection, readOnly } = store.getState();
  const node = history.graph.nodes.find((one) => one.id === id);
  if (!node) return [];
  const look = board.get(node.name);
  const several = selection.length > 1 && selection.includes(id);
  const ids = several ? selection : [id];
  const names = history.graph.nodes.filter((one) => ids.includes(one.id)).map((one) => one.name);
  const { change, show, openDock, select } = store.getState();
  const run = (kind: Mode["kind"]) => host.run({ kind, nodes: names });
  const see = (tab: DockTab) => () => {
    select([id]);
    openDock({ open: true, node: id, tab });
  };
  const read = (log: LogFile) => () => {
    select([id]);
    openDock({ open: true, node: id, tab: "logs", log, asked: store.getState().dock.asked + 1 });
  };
  const stop: Action = {
    id: "stop",
    icon: Square,
    group: "run",
    disabled: !nodeOpen(look.state) && look.state !== "unreachable",
    run: () => host.stopNode(node.name),
  };
  const seeing: Action[] = [
    { id: "status", icon: Info, group: "see", run: see("status") },
    { id: "stdout", icon: FileText, group: "see", disabled: !look.job, run: read("stdout.log") },
    { id: "stderr", icon: FileWarning, group: "see", disabled: !look.job, run: read("stderr.log") },
    { id: "system", icon: ScrollText, group: "see", disabled: !look.job, run: read("system.log") },
    { id: "outputs", icon: FolderOutput, group: "see", disabled: !look.job, run: see("outputs") },
    { id: "resources", icon: Gauge, group: "see", disabled: !look.job, run: see("resources") },
  ];
  if (readOnly) return [stop, ...seeing];
  return [
    { id: "runFrom", icon: StepForward, group: "run", run: () => run("from") },
    { id: "runTo", icon: StepBack, group: "run", run: () => run("to") },
    { id: several ? "runSelected" : "runOnly", icon: Play, group: "run", run: () => run("only") },
    stop,
    { id: "rename", icon: Pencil, keys: "F2", group: "edit", run: () => show({ renaming: id }) },
    {
      id: "copy",
      icon: Clipboard,
      keys: "Ctrl+C",
      group: "edit",
      run: () => copyText(copied(history.graph, ids)),
    },
    { id: "duplicate", icon: Copy, keys: "Ctrl+D", group: "edit", run: () => duplicate(editor, ids) },
    {
      id: node.skip ? "unskip" : "skip",
      icon: SkipForward,
      keys: "D",
      group: "edit",
      run: () => change({ type: "skip", nodes: ids, skip: !node.skip }),
    },
    {
      id: "delete",
      icon: Trash2,
      keys: "Delete",
      danger: true,
      group: "edit",
      run: () => change({ type: "remove", nodes: ids, edges: [] }),
    },
    ...seeing,
  ];
}

export function duplicate({ store }: Editor, ids: readonly string[]): void {
  pasteText(store, copied(store.getState().history.graph, ids));
}

interface Pasting {
  /** Where their upper left corner goes; beside the originals if left out. */
  at?: Point;
  keepIncoming?: boolean;
}

/** The ids of the nodes that the text held; none if it was nothing of ours. */
export function pasteText(
  store: Editor["store"],
  text: string,
  { at, keepIncoming = false }: Pasting = {},
): readonly string[] {
  const { history, change, select } = store.getState();
  const found = pasted(text, history.graph, at, keepIncoming);
  if (!found) return [];
  change({ type: "add", ...found });
  const ids = found.nodes.map((node) => node.id);
  select(ids);
  return ids;
}
