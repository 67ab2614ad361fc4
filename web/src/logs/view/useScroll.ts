/**
 * Where in a log one is: a line and how far it is scrolled, or the end. There is no canvas of all lines that could be
 * scrolled: the lines around the place are laid out, and shifted until it is where it belongs.
 */
import { type RefObject, useCallback, useLayoutEffect, useRef, useState } from "react";
import type { LogSession } from "../model/session";

/** `dy` is how far the line's top lies above the top of what is seen, in pixels. */
export type Position = { end: true } | { end: false; at: number; dy: number; newLines: number };

export const ROW = 18;
export const END: Position = { end: true };

interface Laid {
  offset: number;
  end: number;
  top: number;
  height: number;
}

function laidOut(content: HTMLElement): Laid[] {
  return [...content.children].flatMap((child) => {
    if (!(child instanceof HTMLElement) || child.classList.contains("log-pinned")) return [];
    const { offset, end } = child.dataset;
    return [{ offset: Number(offset), end: Number(end), top: child.offsetTop, height: child.offsetHeight }];
  });
}

export interface Scroll {
  position: Position;
  /** Move by pixels; whether there was anywhere to go. */
  by: (pixels: number) => boolean;
  toEnd: () => void;
  /** Bring the line that holds a byte to a part of the height. */
  to: (offset: number, part?: number) => Promise<void>;
  toFraction: (fraction: number) => void;
  /** Whether anybody wanted to be elsewhere than at the end yet. */
  moved: () => boolean;
  /** What is seen: from, to (byte offsets), and whether it is all there is. */
  seen: { start: number; end: number; all: boolean };
}

export function useScroll(
  session: LogSession,
  viewport: RefObject<HTMLElement | null>,
  content: RefObject<HTMLElement | null>,
): Scroll {
  const [position, setPosition] = useState<Position>(END);
  const [seen, setSeen] = useState({ start: 0, end: 0, all: true });
  const shift = useRef(0);
  const asked = useRef(0);
  const { document } = session;

  useLayoutEffect(() => {
    const [outer, inner] = [viewport.current, content.current];
    if (!outer || !inner) return;
    const rows = laidOut(inner);
    const [first, last] = [rows[0], rows.at(-1)];
    if (!first || !last) return;
    const lowest = Math.min(0, outer.clientHeight - inner.offsetHeight);
    const atEnd = last.end + 1 >= document.size;
    let y = lowest;
    if (!position.end) {
      const anchor = rows.find((row) => row.offset === position.at) ?? first;
      y = -(anchor.top + position.dy);
      if (atEnd) y = Math.max(y, lowest);
      if (first.offset === 0) y = Math.min(y, 0);
    }
    shift.current = y;
    inner.style.transform = `translateY(${y}px)`;
    const top = rows.find((row) => row.top + row.height > -y) ?? last;
    const bottom = rows.findLast((row) => row.top < outer.clientHeight - y) ?? last;
    // After a leap, what is seen lies far from the line that others are laid out around: not all of them are.
    if (!position.end && top.offset !== position.at && position.dy > outer.clientHeight) {
      setPosition({ ...position, at: top.offset, dy: -y - top.top });
    }
    const all = first.offset === 0 && atEnd && inner.offsetHeight <= outer.clientHeight;
    setSeen((was) =>
      was.start === top.offset && was.end === bottom.end && was.all === all
        ? was
        : { start: top.offset, end: bottom.end, all },
    );
  });

  const by = useCallback(
    (pixels: number): boolean => {
      const [outer, inner] = [viewport.current, content.current];
      if (!outer || !inner) return false;
      const rows = laidOut(inner);
      const [first, last] = [rows[0], rows.at(-1)];
      if (!first || !last) return false;
      asked.current += 1; // whatever jump is on its way, this is what is wanted now
      const lowest = Math.max(0, inner.offsetHeight - outer.clientHeight);
      const atEnd = last.end + 1 >= document.size;
      const wanted = Math.max(0, -shift.current + pixels);
      if (atEnd && pixels > 0 && wanted >= lowest - 1) {
        const moved = -shift.current < lowest - 1;
        setPosition(END);
        return moved;
      }
      const row = rows.findLast((one) => one.top <= wanted) ?? first;
      const dy = wanted - row.top;
      setPosition((was) => ({
        end: false,
        at: row.offset,
        dy,
        newLines: was.end ? document.newLines : was.newLines,
      }));
      return wanted !== -shift.current;
    },
    [viewport, content, document],
  );

  const to = useCallback(
    async (offset: number, part = 1 / 3): Promise<void> => {
      asked.current += 1;
      const token = asked.current;
      const start = await session.startOf(Math.floor(offset));
      const rows = Math.ceil((viewport.current?.clientHeight ?? 0) / ROW) + 4;
      if (token !== asked.current || !(await session.ready(start, rows, rows)) || token !== asked.current)
        return;
      const dy = -Math.round((viewport.current?.clientHeight ?? 0) * part);
      setPosition((was) => ({
        end: false,
        at: start,
        dy,
        newLines: was.end ? document.newLines : was.newLines,
      }));
    },
    [session, viewport, document],
  );

  const toEnd = useCallback(() => {
    asked.current += 1;
    setPosition(END);
  }, []);

  const toFraction = useCallback(
    (fraction: number) => {
      if (fraction >= 0.999) toEnd();
      else void to(Math.max(0, fraction) * document.size, 0);
    },
    [to, toEnd, document],
  );

  const moved = useCallback(() => asked.current > 0, []);
  return { position, by, toEnd, to, toFraction, moved, seen };
}
