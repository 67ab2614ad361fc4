/** What is dropped on the canvas: components of the tree, and files of the desktop. */
import { useReactFlow } from "@xyflow/react";
import { type DragEvent, useMemo } from "react";
import { useTranslation } from "react-i18next";
import { toast } from "@/ui/toast";
import { upload } from "@/uploads/uploads";
import { adding, tieTo } from "./adding";
import { useEditorParts } from "./context";
import { type Json, type Kind, nameFrom, type Point } from "./model/graph";

/** The type of what is dragged from the tree. */
export const PART = "application/x-torchyard-part";

export interface Part {
  kind?: Kind;
  template?: string;
}

export function useDrops() {
  const editor = useEditorParts();
  const { screenToFlowPosition } = useReactFlow();
  const { t } = useTranslation("canvas");
  return useMemo(() => {
    const { store, host } = editor;

    /** The field gets its value once the file's hash is known; the bytes follow by themselves. */
    function intoField(file: File, node: string, field: "script" | "dependencies"): void {
      upload(file, file.name, (ref) =>
        store.getState().change({ type: "set", node, path: [field], value: { ...ref } as Json }),
      );
    }

    function script(file: File, at: Point): void {
      const { history, change, select } = store.getState();
      const { change: add, id } = adding(history.graph, { kind: "pytorch", name: nameFrom(file.name), at });
      change(add);
      select([id]);
      intoField(file, id, "script");
    }

    function data(file: File, node: string): void {
      upload(file, file.name, (ref) => {
        const found = store.getState().history.graph.nodes.find((one) => one.id === node);
        const files = Array.isArray(found?.settings["files"]) ? found.settings["files"] : [];
        store
          .getState()
          .change({ type: "set", node, path: ["files"], value: [...files, { ...ref } as Json] });
      });
    }

    function dropFiles(files: readonly File[], at: Point, over: string | undefined): void {
      const kind = store.getState().history.graph.nodes.find((node) => node.id === over)?.kind;
      for (const [number, file] of files.entries()) {
        if (over && kind === "dataset") data(file, over);
        else if (over && is(file, ".zip")) intoField(file, over, "dependencies");
        else if (over && is(file, ".py")) intoField(file, over, "script");
        else if (is(file, ".py")) script(file, { x: at.x, y: at.y + number * 110 });
        else toast(t(is(file, ".zip") ? "drop.zip" : "drop.other", { name: file.name }));
      }
    }

    function dropPart(part: Part, at: Point): void {
      if (part.template) host.insertTemplate(part.template, at);
      if (!part.kind) return;
      const { history, selection, change, select } = store.getState();
      const tie = tieTo(history.graph, selection, part.kind);
      const { change: add, id } = adding(history.graph, { kind: part.kind, at, tie });
      change(add);
      select([id]);
    }

    return {
      over: (event: DragEvent) => {
        if (store.getState().readOnly) return;
        event.preventDefault();
        event.dataTransfer.dropEffect = "copy";
        mark(nodeAt(event));
      },
      leave: () => mark(undefined),
      drop: (event: DragEvent) => {
        event.preventDefault();
        const over = nodeAt(event);
        mark(undefined);
        if (store.getState().readOnly) return;
        const at = screenToFlowPosition({ x: event.clientX - 90, y: event.clientY - 30 });
        const part = event.dataTransfer.getData(PART);
        if (part) dropPart(JSON.parse(part) as Part, at);
        else dropFiles([...event.dataTransfer.files], at, over);
      },
    };
  }, [editor, screenToFlowPosition, t]);
}

function is(file: File, ending: string): boolean {
  return file.name.toLowerCase().endsWith(ending);
}

function nodeAt(event: DragEvent): string | undefined {
  return (event.target as Element).closest?.<HTMLElement>("[data-node]")?.dataset["node"];
}

/** Shows which node a file would go to, without drawing anything again. */
function mark(id: string | undefined): void {
  for (const marked of document.querySelectorAll("[data-node][data-over]"))
    marked.removeAttribute("data-over");
  if (id) document.querySelector(`[data-node="${CSS.escape(id)}"]`)?.setAttribute("data-over", "");
}
