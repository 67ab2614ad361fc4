/** What every part of an editor finds: its store, its board, and what it can ask of the platform. */
import { createContext, useCallback, useContext, useSyncExternalStore } from "react";
import { useStore } from "zustand";
import type { Schema } from "@/api/client";
import { type Board, type Look, UNKNOWN } from "./board";
import type { Point } from "./model/graph";
import type { EditorState, EditorStore } from "./store/editor";

export type Mode = Schema<"Mode">;

/** What the editor asks of the platform, and of the page around it. */
export interface Host {
  save: () => Promise<boolean>;
  /** Saves, then starts a run; asks for parameters first if `ask`. */
  run: (mode: Mode, ask?: boolean) => void;
  stop: () => void;
  stopNode: (name: string) => void;
  /** Puts its nodes at a place; below what is there if none is named. */
  insertTemplate: (name: string, at?: Point) => void;
}

export interface Editor {
  store: EditorStore;
  board: Board;
  host: Host;
}

export const EditorContext = createContext<Editor | undefined>(undefined);

export function useEditorParts(): Editor {
  const editor = useContext(EditorContext);
  if (!editor) throw new Error("outside of an editor");
  return editor;
}

export function useEditor<T>(select: (state: EditorState) => T): T {
  return useStore(useEditorParts().store, select);
}

/** How a node stands. */
export function useLook(name: string): Look {
  const { board } = useEditorParts();
  const subscribe = useCallback((tell: () => void) => board.subscribe(name, tell), [board, name]);
  return useSyncExternalStore(subscribe, () => (name ? board.get(name) : UNKNOWN));
}

/** How all nodes stand. */
export function useLooks(): ReadonlyMap<string, Look> {
  const { board } = useEditorParts();
  const subscribe = useCallback((tell: () => void) => board.subscribe("", tell), [board]);
  return useSyncExternalStore(subscribe, () => board.all());
}
