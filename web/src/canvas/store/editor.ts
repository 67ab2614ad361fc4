/** The canvas's state: the graph and its history, what is selected, what is open. */
import {
  applyEdgeChanges,
  applyNodeChanges,
  type EdgeChange,
  type NodeChange,
  type Viewport,
} from "@xyflow/react";
import { createStore } from "zustand/vanilla";
import type { Change } from "../model/changes";
import { EMPTY, type Graph, type Point } from "../model/graph";
import { advanced, closed, type History, redone, started, undone } from "../model/history";
import { meaning } from "../model/wire";
import { choosing, type FlowEdge, type FlowNode, flowEdges, flowNodes } from "./flow";
import { type Held, heldAfter } from "./held";

export type DockTab = "status" | "logs" | "outputs" | "resources" | "problems";
export type LogFile = "stdout.log" | "stderr.log" | "system.log";

export interface DockState {
  open: boolean;
  height: number;
  node: string | undefined;
  tab: DockTab;
  log: LogFile;
  /** Counts how often a log was asked for by name: each time it is opened anew. */
  asked: number;
}
export type DialogName =
  | "parameters"
  | "settings"
  | "schedule"
  | "sweep"
  | "notifications"
  | "versions"
  | "resume"
  | "run"
  | "shortcuts"
  | "palette";

/** The box that a new node is chosen in: where it stands, where the node goes, and what it is tied to. */
export interface Search {
  screen: Point;
  at: Point;
  tie?: { node: string; side: "source" | "target" };
}

export interface NodeMenu {
  screen: Point;
  node?: string;
  edge?: string;
}

interface Shown {
  nodes: FlowNode[];
  edges: FlowEdge[];
  /** Ids of the selected nodes. */
  selection: readonly string[];
}

export interface EditorState extends Shown {
  readOnly: boolean;
  history: History;
  /** What the platform holds: the version that was changed, and what it does. */
  base: number;
  savedGraph: Graph;
  savedMeaning: string;
  dirty: boolean;
  viewport: Viewport | undefined;
  /** Something is being dragged. */
  moving: boolean;
  held: Held | undefined;
  renaming: string | undefined;
  search: Search | undefined;
  menu: NodeMenu | undefined;
  dialog: DialogName | undefined;
  /** The field of the selected node that somebody was led to: `settings.arguments`. */
  field: string | undefined;
  dock: DockState;
  treeOpen: boolean;
  panelOpen: boolean;

  load: (graph: Graph, base: number) => void;
  /** What the graph is now was saved as this version. */
  saved: (graph: Graph, base: number) => void;
  change: (change: Change) => void;
  undo: () => void;
  redo: () => void;
  /** Ends a run of typing. */
  close: () => void;
  select: (nodes: readonly string[]) => void;
  onNodes: (changes: NodeChange<FlowNode>[]) => void;
  onEdges: (changes: EdgeChange<FlowEdge>[]) => void;
  /** What was dragged stays where it is now. */
  drop: () => void;
  show: (
    part: Partial<
      Pick<
        EditorState,
        "renaming" | "search" | "menu" | "dialog" | "field" | "treeOpen" | "panelOpen" | "viewport"
      >
    >,
  ) => void;
  openDock: (dock: Partial<DockState>) => void;
}

const KEY = "torchyard.dock";
const HEIGHT = 280;
/** Below this width, as at 200 % zoom, the canvas has all the room at first. */
const NARROW = 960;

function keptHeight(): number {
  return Number(localStorage.getItem(KEY)) || HEIGHT;
}

function ids(shown: readonly { id: string; selected?: boolean }[]): string[] {
  return shown.filter((one) => one.selected).map((one) => one.id);
}

export function createEditor(readOnly = false) {
  return createStore<EditorState>((set, get) => {
    /** The state after the history moved. */
    function moved(history: History): Partial<EditorState> {
      const { nodes: before, edges: edgesBefore, savedGraph, savedMeaning, selection } = get();
      if (history === get().history) return {};
      const nodes = flowNodes(history.graph, before);
      const there = selection.filter((id) => nodes.some((node) => node.id === id));
      return {
        history,
        nodes,
        edges: flowEdges(history.graph, edgesBefore),
        selection: there.length === selection.length ? selection : there,
        dirty: history.graph !== savedGraph && meaning(history.graph) !== savedMeaning,
      };
    }

    return {
      readOnly,
      history: started(EMPTY),
      base: 0,
      savedGraph: EMPTY,
      savedMeaning: meaning(EMPTY),
      dirty: false,
      nodes: [],
      edges: [],
      selection: [],
      viewport: undefined,
      moving: false,
      held: undefined,
      renaming: undefined,
      search: undefined,
      menu: undefined,
      dialog: undefined,
      field: undefined,
      dock: { open: false, height: keptHeight(), node: undefined, tab: "logs", log: "stdout.log", asked: 0 },
      treeOpen: window.innerWidth >= NARROW,
      panelOpen: window.innerWidth >= NARROW,

      load: (graph, base) =>
        set({
          history: started(graph),
          base,
          savedGraph: graph,
          savedMeaning: meaning(graph),
          dirty: false,
          nodes: flowNodes(graph, get().nodes),
          edges: flowEdges(graph, get().edges),
        }),
      saved: (graph, base) => {
        const now = meaning(graph);
        set(({ history }) => ({
          base,
          savedGraph: graph,
          savedMeaning: now,
          dirty: history.graph !== graph && meaning(history.graph) !== now,
        }));
      },
      change: (change) => {
        if (!get().readOnly) set(moved(advanced(get().history, change)));
      },
      undo: () => set(moved(undone(get().history))),
      redo: () => set(moved(redone(get().history))),
      close: () => set({ history: closed(get().history) }),
      select: (wanted) => {
        const chosen = new Set(wanted);
        set(({ nodes, edges }) => ({
          nodes: choosing(nodes, chosen),
          edges: choosing(edges, new Set()),
          selection: [...wanted],
        }));
      },
      onNodes: (changes) =>
        set(({ nodes: before, selection, held: heldBefore }) => {
          const held = heldAfter(changes, before, heldBefore);
          if (held && held !== heldBefore) return { held, moving: true };
          const nodes = applyNodeChanges(changes, before);
          const selects = changes.some((change) => change.type === "select");
          const moves = changes.find((change) => change.type === "position");
          return {
            nodes,
            held,
            selection: selects ? ids(nodes) : selection,
            ...(moves ? { moving: moves.dragging ?? false } : {}),
          };
        }),
      onEdges: (changes) => set(({ edges }) => ({ edges: applyEdgeChanges(changes, edges) })),
      drop: () => {
        const { nodes, change } = get();
        const positions = nodes
          .filter(({ position: { x, y }, data }) => x !== data.node.position.x || y !== data.node.position.y)
          .map(({ id, position: { x, y } }) => [id, { x: Math.round(x), y: Math.round(y) }] as const);
        change({ type: "move", positions: Object.fromEntries(positions) });
      },
      show: (part) => set(part),
      openDock: (part) =>
        set(({ dock }) => {
          if (part.height) localStorage.setItem(KEY, String(Math.round(part.height)));
          return { dock: { ...dock, ...part } };
        }),
    };
  });
}

export type EditorStore = ReturnType<typeof createEditor>;
