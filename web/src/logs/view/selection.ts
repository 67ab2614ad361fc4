/** The browser's own selection, over lines of which most are not laid out. */
import { type RefObject, useEffect, useState } from "react";
import { toast } from "@/ui/toast";
import type { LogSession } from "../model/session";
import { MOST_COPIED, textNow, textOf } from "../model/text";

interface Edge {
  /** Byte offset of the line, and of its end. */
  start: number;
  end: number;
  row: HTMLElement;
  /** Characters of the line before the edge. */
  column: number;
}

function edge(node: Node | null, offset: number, content: HTMLElement): Edge | undefined {
  const element = node instanceof Element ? node : node?.parentElement;
  const row = element?.closest<HTMLElement>("[data-offset]");
  if (!node || !row || !content.contains(row)) return undefined;
  const text = row.querySelector("[data-text]");
  let column = 0;
  if (text) {
    const range = document.createRange();
    range.setStart(text, 0);
    if (text.contains(node)) {
      range.setEnd(node, offset);
      column = range.toString().length;
    } else if (text.compareDocumentPosition(node) & Node.DOCUMENT_POSITION_FOLLOWING) {
      column = text.textContent.length;
    }
  }
  return { start: Number(row.dataset["offset"]), end: Number(row.dataset["end"]), row, column };
}

function edges(content: HTMLElement): [Edge, Edge] | undefined {
  const selection = document.getSelection();
  if (!selection) return undefined;
  const anchor = edge(selection.anchorNode, selection.anchorOffset, content);
  const focus = edge(selection.focusNode, selection.focusOffset, content);
  if (!anchor || !focus) return undefined;
  const ordered =
    anchor.start < focus.start || (anchor.start === focus.start && anchor.column <= focus.column);
  return ordered ? [anchor, focus] : [focus, anchor];
}

function textIn(row: HTMLElement): string {
  return row.querySelector("[data-text]")?.textContent ?? "";
}

/** The lines in which the selection begins and ends, also an empty one: they have to stay, or the browser forgets it. */
export function usePinned(content: RefObject<HTMLElement | null>): readonly number[] {
  const [pinned, setPinned] = useState<readonly number[]>([]);
  useEffect(() => {
    const changed = () => {
      const found = content.current && edges(content.current);
      const now = found ? [found[0].start, found[1].start] : [];
      setPinned((was) => (was.join() === now.join() ? was : now));
    };
    document.addEventListener("selectionchange", changed);
    return () => document.removeEventListener("selectionchange", changed);
  }, [content]);
  return pinned;
}

/** Copy what is selected as text without numbers, whether it is laid out or not. */
export function copySelected(
  event: ClipboardEvent,
  session: LogSession,
  content: HTMLElement,
  tooMuch: string,
): void {
  const found = edges(content);
  if (!found || !event.clipboardData || document.getSelection()?.isCollapsed) return;
  event.preventDefault();
  const [first, last] = found;
  if (first.row === last.row) {
    event.clipboardData.setData("text/plain", textIn(first.row).slice(first.column, last.column));
    return;
  }
  const head = `${textIn(first.row).slice(first.column)}\n`;
  const tail = textIn(last.row).slice(0, last.column);
  const [from, to] = [first.end + 1, last.start];
  if (to - from > MOST_COPIED) {
    toast(tooMuch);
    return;
  }
  const now = textNow(session, from, to);
  if (now !== undefined) {
    event.clipboardData.setData("text/plain", head + now + tail);
    return;
  }
  if (typeof ClipboardItem === "undefined") {
    toast(tooMuch); // without TLS, a browser takes nothing that comes later
    return;
  }
  const text = textOf(session, from, to).then(
    (middle) => new Blob([head + middle + tail], { type: "text/plain" }),
  );
  navigator.clipboard.write([new ClipboardItem({ "text/plain": text })]).catch(() => toast(tooMuch));
}
