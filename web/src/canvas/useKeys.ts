/** Listens to the keys, and to copying and pasting, while an editor is on the page. */
import { useEffect } from "react";
import { pasteText } from "./actions";
import { useEditorParts } from "./context";
import { BY_KEY, type Key, remove } from "./keys";
import { copied } from "./model/clipboard";
import { useView } from "./view";

function nameOf(event: KeyboardEvent): string {
  const modifiers = [
    event.ctrlKey || event.metaKey ? "ctrl+" : "",
    event.altKey ? "alt+" : "",
    event.shiftKey ? "shift+" : "",
  ];
  return `${modifiers.join("")}${event.code === "Backquote" ? "`" : event.key.toLowerCase()}`;
}

/** Where keys are typed into, or mean something else. */
const ELSEWHERE =
  "input, textarea, select, [contenteditable], [role=dialog], [role=menu], [role=listbox], [role=tablist], [data-keys]";

function elsewhere(target: EventTarget | null): boolean {
  return target instanceof Element && target.closest(ELSEWHERE) !== null;
}

/** Beside the canvas a key alone is not meant for its nodes: Delete on a button of the panel, say. */
function beside(event: KeyboardEvent): boolean {
  const alone = !event.ctrlKey && !event.metaKey;
  return alone && event.target instanceof Element && event.target.closest("aside") !== null;
}

export function useKeys(): void {
  const editor = useEditorParts();
  const view = useView();
  useEffect(() => {
    const scene = { ...editor, view };
    let keepIncoming = false;

    function wanted(event: KeyboardEvent): Key | undefined {
      const key = BY_KEY.get(nameOf(event));
      const { readOnly, dialog } = editor.store.getState();
      if (!key || (readOnly && !key.reading)) return undefined;
      return dialog || document.querySelector("[role=dialog][data-state=open]") ? undefined : key;
    }

    /** Before a text field, or the editor of a script, makes something else of them. */
    function onAnyKey(event: KeyboardEvent): void {
      keepIncoming = event.shiftKey;
      const key = wanted(event);
      if (!key?.everywhere) return;
      event.preventDefault();
      event.stopPropagation();
      key.run(scene);
    }

    function onKeyDown(event: KeyboardEvent): void {
      const key = wanted(event);
      if (!key || key.everywhere || event.defaultPrevented) return;
      if (elsewhere(event.target) || beside(event)) return;
      if (key.run(scene) !== true) event.preventDefault();
    }

    function onCopy(event: ClipboardEvent): void {
      const { history, selection } = editor.store.getState();
      if (elsewhere(event.target) || !selection.length || !document.getSelection()?.isCollapsed) return;
      event.clipboardData?.setData("text/plain", copied(history.graph, selection));
      event.preventDefault();
      if (event.type === "cut") remove(scene);
    }

    function onPaste(event: ClipboardEvent): void {
      if (elsewhere(event.target) || editor.store.getState().readOnly) return;
      const text = event.clipboardData?.getData("text/plain") ?? "";
      const ids = pasteText(editor.store, text, { keepIncoming });
      if (!ids.length) return;
      event.preventDefault();
      // Once they are drawn; from another workflow they may come to lie anywhere.
      requestAnimationFrame(() => ids.some(view.sees) || view.show(ids));
    }

    window.addEventListener("keydown", onAnyKey, true);
    window.addEventListener("keydown", onKeyDown);
    document.addEventListener("copy", onCopy);
    document.addEventListener("cut", onCopy);
    document.addEventListener("paste", onPaste);
    return () => {
      window.removeEventListener("keydown", onAnyKey, true);
      window.removeEventListener("keydown", onKeyDown);
      document.removeEventListener("copy", onCopy);
      document.removeEventListener("cut", onCopy);
      document.removeEventListener("paste", onPaste);
    };
  }, [editor, view]);
}
