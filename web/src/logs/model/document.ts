/**
 * A log of any size, of which only what is looked at is held: lines around a place, by byte offset.
 *
 * What is not there yet is told as needs; whoever reads it fetches those and reads again.
 */
import { PAGE, Pages } from "./pages";

/** A line that is longer is cut, until more of it is asked for. */
export const CUT = 8 * 1024;
/** As far is looked for a line's end here; the platform knows those that are further away. */
const LONG = PAGE;
const RETURN = 13;

export interface Line {
  /** Byte offset of its beginning. */
  start: number;
  /** Byte offset of its line end; of the log's end, if it has none yet. */
  end: number;
  /** Whether more may still be added to it. */
  open: boolean;
}

/** What is shown of a line. */
export interface Shown {
  /** Byte offset of the first byte. */
  from: number;
  bytes: Uint8Array;
  /** Bytes that are not shown, though they would be visible. */
  hidden: number;
}

export type Need = { kind: "bytes"; start: number; end: number } | { kind: "line"; offset: number };

/** A place in the log: the line that begins at an offset, or the last one. */
export type Anchor = number | "end";

export class LogDocument {
  readonly pages = new Pages();
  size = 0;
  /** Line ends that came since this was opened. */
  newLines = 0;
  /** Where long lines end, by their beginning; null while they have no end. */
  private readonly extents = new Map<number, number | null>();
  private readonly expanded = new Map<number, number>();
  /** Numbers of lines, by their beginning. */
  private readonly numbers = new Map<number, number>();
  /** Where the last line begins, if that is known; the log's end, if that is behind a line end. */
  private openStart: number | undefined = 0;

  /** Take the log as it is, from its end: `tail` are its last bytes. */
  open(size: number, tail: Uint8Array): void {
    this.size = size;
    this.pages.put(size - tail.length, tail);
    const last = tail.lastIndexOf(10);
    this.openStart = last >= 0 ? size - tail.length + last + 1 : tail.length === size ? 0 : undefined;
  }

  /** Take what was added. Bytes that are known already are left out; a gap is refused. */
  append(offset: number, bytes: Uint8Array): boolean {
    if (offset > this.size) return false;
    const fresh = bytes.subarray(this.size - offset);
    if (!fresh.length) return true;
    this.pages.put(this.size, fresh);
    const first = fresh.indexOf(10);
    if (first >= 0) this.ended(this.size + first, this.size + fresh.lastIndexOf(10) + 1, count(fresh));
    this.size += fresh.length;
    return true;
  }

  private ended(end: number, start: number, lines: number): void {
    for (const [known, extent] of this.extents) if (extent === null) this.extents.set(known, end);
    const number = this.openStart === undefined ? undefined : this.numbers.get(this.openStart);
    this.openStart = start;
    if (number !== undefined) this.setNumber(start, number + lines);
    this.newLines += lines;
  }

  /** What the platform said of a line; `end` is null if it had none. */
  learn(start: number, end: number | null, number: number): void {
    this.setNumber(start, number);
    if (end === null) {
      // It was the last line then; if this one knows better meanwhile, it looks again.
      if (this.openStart === undefined || this.openStart === start) {
        this.openStart = start;
        this.extents.set(start, null);
      }
    } else if (end - start >= LONG) this.extents.set(start, end);
  }

  /** What the platform said of the end: so many line ends lay before it when `newLines` had come here. */
  learnEnd(lineEnds: number, newLines: number): void {
    if (this.openStart !== undefined) this.setNumber(this.openStart, lineEnds + this.newLines - newLines + 1);
  }

  /** The lines around a place: at most so many before and behind it, and which of them it is. */
  window(anchor: Anchor, before: number, after: number, needs: Need[]): { lines: Line[]; index: number } {
    const at = anchor === "end" ? this.lastLine(needs) : this.lineFrom(anchor, needs);
    if (!at) return { lines: [], index: 0 };
    const lines = [at];
    for (let count = 0; count < before; count += 1) {
      const line = this.previous(lines[0] ?? at, needs);
      if (!line) break;
      lines.unshift(line);
    }
    const index = lines.length - 1;
    for (let count = 0; count < after; count += 1) {
      const line = this.next(lines.at(-1) ?? at, needs);
      if (!line) break;
      lines.push(line);
    }
    this.spread(lines);
    return { lines, index };
  }

  /** The beginning of the line that holds a byte. */
  startOf(offset: number, needs: Need[]): number | undefined {
    return this.startBefore(Math.max(0, Math.min(offset, this.size - 1)), needs);
  }

  isLast(line: Line): boolean {
    return line.end + 1 >= this.size;
  }

  numberOf(line: Line): number | undefined {
    return this.numbers.get(line.start);
  }

  /** The bytes of a line that are shown: all; the beginning, if it is long; the end, if it rewrites itself. */
  shown(line: Line, needs: Need[]): Shown | undefined {
    const length = line.end - line.start;
    const limit = this.expanded.get(line.start) ?? CUT;
    if (length > CUT && !this.expanded.has(line.start)) {
      const from = line.end - CUT;
      const tail = this.take(from, line.end, needs);
      if (!tail) return undefined;
      const back = tail.indexOf(RETURN);
      if (back >= 0 && back < tail.length - 1) {
        return { from: from + back + 1, bytes: tail.subarray(back + 1), hidden: 0 };
      }
    }
    const end = Math.min(line.end, line.start + limit);
    const bytes = this.take(line.start, end, needs);
    return bytes && { from: line.start, bytes, hidden: line.end - end };
  }

  /** Show so many more bytes of the line that begins there. */
  expand(start: number, more: number): void {
    this.expanded.set(start, (this.expanded.get(start) ?? CUT) + more);
  }

  private take(start: number, end: number, needs: Need[]): Uint8Array | undefined {
    const found = this.pages.slice(start, end);
    if (!found) needs.push({ kind: "bytes", start, end });
    return found;
  }

  private lastLine(needs: Need[]): Line | undefined {
    if (this.size === 0) return undefined;
    const start =
      this.openStart !== undefined && this.openStart < this.size
        ? this.openStart
        : this.startBefore(this.size - 1, needs);
    return start === undefined ? undefined : this.lineFrom(start, needs);
  }

  private lineFrom(start: number, needs: Need[]): Line | undefined {
    if (start >= this.size) return undefined;
    if (start === this.openStart) return { start, end: this.size, open: true };
    const known = this.extents.get(start);
    if (typeof known === "number") return { start, end: known, open: false };
    const stop = Math.min(this.size, start + LONG);
    const end = this.pages.newlineAfter(start, stop);
    if (end === undefined) needs.push({ kind: "bytes", start, end: stop });
    else if (end >= 0) return { start, end, open: false };
    else if (stop === this.size) return { start, end: stop, open: true };
    else needs.push({ kind: "line", offset: start });
    return undefined;
  }

  private next(line: Line, needs: Need[]): Line | undefined {
    return line.open ? undefined : this.lineFrom(line.end + 1, needs);
  }

  private previous(line: Line, needs: Need[]): Line | undefined {
    if (line.start === 0) return undefined;
    const start = this.startBefore(line.start - 1, needs);
    return start === undefined ? undefined : { start, end: line.start - 1, open: false };
  }

  /** Where the line begins whose end, or a byte of which, is at `offset`. */
  private startBefore(offset: number, needs: Need[]): number | undefined {
    if (this.openStart !== undefined && offset >= this.openStart) return this.openStart;
    for (const [start, end] of this.extents) {
      if (offset >= start && end !== null && offset <= end) return start;
    }
    const from = Math.max(0, offset - LONG);
    const found = this.pages.newlineBefore(from, offset);
    if (found === undefined) {
      needs.push({ kind: "bytes", start: from, end: offset });
      return undefined;
    }
    if (found >= 0) return found + 1;
    if (from === 0) return 0;
    needs.push({ kind: "line", offset });
    return undefined;
  }

  /** Number all lines of a window by one of which the number is known, or by what follows them. */
  private spread(lines: readonly Line[]): void {
    const known = lines.findIndex((line) => this.numbers.has(line.start));
    const last = lines.at(-1);
    if (known < 0 && last && last.end + 1 !== this.openStart) return;
    const number = this.numbers.get(known < 0 ? (this.openStart ?? -1) : (lines[known]?.start ?? -1));
    if (number === undefined) return;
    const first = number - (known < 0 ? lines.length : known);
    for (const [index, line] of lines.entries()) this.setNumber(line.start, first + index);
  }

  private setNumber(start: number, number: number): void {
    this.numbers.delete(start);
    this.numbers.set(start, number);
    const last = this.openStart === undefined ? undefined : this.numbers.get(this.openStart);
    if (this.openStart !== undefined && last !== undefined && start !== this.openStart) {
      this.numbers.delete(this.openStart); // the last line's is needed for all that come
      this.numbers.set(this.openStart, last);
    }
    const oldest = this.numbers.keys().next();
    if (this.numbers.size > 4_000 && oldest.value !== undefined) this.numbers.delete(oldest.value);
  }
}

function count(bytes: Uint8Array): number {
  let found = 0;
  for (let at = bytes.indexOf(10); at >= 0; at = bytes.indexOf(10, at + 1)) found += 1;
  return found;
}
