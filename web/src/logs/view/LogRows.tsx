/** The lines around a place, laid out; the part that is drawn again whenever something comes in. */
import { memo, type RefObject, useEffect, useMemo } from "react";
import { formatClock } from "@/i18n/format";
import type { Need } from "../model/document";
import type { LineRange } from "../model/links";
import type { Mark } from "../model/marks";
import { type Painted, Painter } from "../model/painter";
import type { LogSession } from "../model/session";
import { LogRow, MORE } from "./LogRow";
import type { Position } from "./useScroll";

interface RowsProps {
  session: LogSession;
  /** Of what the session holds: another one, and the lines are laid out again. */
  version: number;
  content: RefObject<HTMLDivElement | null>;
  position: Position;
  /** How many lines fill the height. */
  screen: number;
  times: boolean;
  wrap: boolean;
  chosen: LineRange | undefined;
  pinned: readonly number[];
  marks: readonly Mark[];
  onNumber: (start: number, number: number, extend: boolean) => void;
}

const NONE: readonly Mark[] = [];

export const LogRows = memo(function LogRows(props: RowsProps) {
  const { session, content, position, screen, times, wrap, chosen, pinned, marks, onNumber } = props;
  const log = session.document;
  const painter = useMemo(() => new Painter(log), [log]);
  const needs: Need[] = [];
  const { lines } = position.end
    ? log.window("end", screen, 0, needs)
    : log.window(position.at, screen, 2 * screen, needs);
  const painted = painter.paint(lines, needs);
  const first = lines[0];
  const unnumbered = first && log.numberOf(first) === undefined ? first.start : undefined;
  const unknown = lines.find((line) => line.start < log.size && !session.pieces.knows(line.start))?.start;
  useEffect(() => {
    session.fetch(needs);
    if (unnumbered !== undefined && !(position.end && session.numbering)) session.number(unnumbered);
    if (unknown !== undefined) session.time(unknown);
  });

  const outside = pinned
    .filter((start) => !lines.some((line) => line.start === start))
    .flatMap((start) => log.window(start, 0, 0, []).lines);
  const away = painter.paint(outside, []);
  const all = [...away, ...painted].sort((one, other) => one.line.start - other.line.start);
  const last = lines.at(-1);
  const digits = String((last && log.numberOf(last)) ?? 1_000).length;

  const row = (one: Painted) => {
    const { line } = one;
    const number = log.numberOf(line);
    const piece = session.pieces.at(line.start);
    const inside = marks.filter((mark) => mark.start <= line.end && mark.end >= line.start);
    return (
      <LogRow
        key={line.start}
        painted={one}
        number={number}
        time={times ? (piece ? formatClock(piece.time) : "") : undefined}
        stderr={piece?.stderr ?? false}
        chosen={isChosen(chosen, line.start, number)}
        pinned={away.includes(one)}
        marks={inside.length ? inside : NONE}
        onNumber={onNumber}
        onExpand={expand}
      />
    );
  };
  const expand = (start: number) => {
    log.expand(start, MORE);
    // The button goes while the rest is fetched, and would take the keys along.
    content.current?.parentElement?.focus({ preventScroll: true });
    session.touch();
  };
  return (
    <div
      ref={content}
      className={wrap ? "log-wraps relative w-full" : "relative w-max min-w-full"}
      style={{ "--log-digits": digits } as React.CSSProperties}
    >
      {all.map(row)}
    </div>
  );
});

function isChosen(chosen: LineRange | undefined, start: number, number: number | undefined): boolean {
  if (!chosen) return false;
  return number === undefined ? start === chosen.offset : number >= chosen.from && number <= chosen.to;
}
