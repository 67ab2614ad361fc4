/**
 * One line of a log, as a terminal would leave it: colours are kept, a carriage return goes back to the line's
 * beginning, and everything else that could act is dropped. What comes out is text, never markup.
 */
import { type Token, tokens } from "./escapes";
import { applied, PLAIN, type Style } from "./sgr";

/** Characters of one style, from neighbouring bytes. */
export interface Run {
  text: string;
  style: Style;
  /** Byte offset of the first one in the log, and how many bytes they are. */
  at: number;
  bytes: number;
}

export interface ParsedLine {
  runs: readonly Run[];
  /** What the next line begins with. */
  style: Style;
}

const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
const encoder = new TextEncoder();

/**
 * @param bytes the line's bytes, without its end
 * @param at the byte offset of the first
 * @param style what the line before ended with
 */
export function parseLine(bytes: Uint8Array, at: number, style: Style = PLAIN): ParsedLine {
  const found = tokens(bytes);
  const last = found.findLastIndex((token) => token.kind !== "return" && token.kind !== "sgr");
  const rewritten = found.some(
    (token, index) =>
      (token.kind === "return" && index < last) || token.kind === "back" || token.kind === "erase",
  );
  return rewritten ? rewrittenLine(bytes, at, style, found) : plainLine(bytes, at, style, found);
}

/** The style that a part of a log leaves behind. */
export function styleBehind(bytes: Uint8Array): Style {
  let style = PLAIN;
  if (bytes.indexOf(0x1b) < 0 && bytes.indexOf(0x9b) < 0) return style;
  for (const token of tokens(bytes)) {
    if (token.kind === "sgr") style = applied(style, token.parameters);
  }
  return style;
}

export function plainText(line: ParsedLine): string {
  return line.runs.map((run) => run.text).join("");
}

function plainLine(bytes: Uint8Array, at: number, style: Style, found: readonly Token[]): ParsedLine {
  const runs: Run[] = [];
  let now = style;
  for (const token of found) {
    if (token.kind === "sgr") now = applied(now, token.parameters);
    if (token.kind !== "text") continue;
    const text = decoder.decode(bytes.subarray(token.start, token.end));
    runs.push({ text, style: now, at: at + token.start, bytes: token.end - token.start });
  }
  return { runs, style: now };
}

interface Cell {
  text: string;
  style: Style;
  at: number;
  bytes: number;
}

function rewrittenLine(bytes: Uint8Array, at: number, style: Style, found: readonly Token[]): ParsedLine {
  const cells: Cell[] = [];
  let now = style;
  let column = 0;
  for (const token of found) {
    if (token.kind === "sgr") now = applied(now, token.parameters);
    else if (token.kind === "return") column = 0;
    else if (token.kind === "back") column = Math.max(0, column - 1);
    else if (token.kind === "erase") erase(cells, token.mode, column);
    else column = write(cells, column, bytes.subarray(token.start, token.end), at + token.start, now);
  }
  return { runs: joined(cells), style: now };
}

function erase(cells: Cell[], mode: number, column: number): void {
  if (mode === 0) cells.length = Math.min(cells.length, column);
  else if (mode === 2) cells.length = 0;
  else for (let index = 0; index <= column && index < cells.length; index += 1) cells[index] = blank();
}

function blank(): Cell {
  return { text: " ", style: PLAIN, at: -1, bytes: 0 };
}

const MARK = /^\p{M}$/u;

function write(cells: Cell[], column: number, bytes: Uint8Array, at: number, style: Style): number {
  let position = at;
  let next = column;
  for (const text of decoder.decode(bytes)) {
    // An invalid byte became three bytes long; the next character's place is found again at the end of the text.
    const length = text === "\ufffd" ? 1 : encoder.encode(text).length;
    const before = cells[next - 1];
    if (MARK.test(text) && before) {
      cells[next - 1] = { ...before, text: before.text + text, bytes: before.bytes + length };
    } else {
      while (cells.length < next) cells.push(blank());
      cells[next] = { text, style, at: position, bytes: length };
      next += 1;
    }
    position += length;
  }
  return next;
}

function joined(cells: readonly Cell[]): Run[] {
  const runs: Run[] = [];
  for (const cell of cells) {
    const last = runs.at(-1);
    if (last && last.style === cell.style && last.at >= 0 && last.at + last.bytes === cell.at) {
      last.text += cell.text;
      last.bytes += cell.bytes;
    } else {
      runs.push({ ...cell });
    }
  }
  return runs;
}

/** How many characters (UTF-16 units) of the text the first `bytes` bytes of it are. */
export function unitsOf(run: Run, bytes: number): number {
  if (bytes <= 0) return 0;
  if (bytes >= run.bytes) return run.text.length;
  let units = 0;
  let used = 0;
  for (const text of run.text) {
    if (used >= bytes) break;
    used += text === "\ufffd" ? 1 : encoder.encode(text).length;
    units += text.length;
  }
  return units;
}
