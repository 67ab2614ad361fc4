/** A command line's words as a POSIX shell splits them, and as Python's shlex does on the platform. */

export interface Words {
  words: string[];
  /** What was opened and not closed. */
  unclosed?: "'" | '"' | "\\";
}

const SPACE = new Set([" ", "\t", "\r", "\n"]);

export function splitWords(text: string): Words {
  const { placed, unclosed } = placedWords(text);
  const words = placed.map(({ word }) => word);
  return unclosed ? { words, unclosed } : { words };
}

/** The command line without some of its words, by their numbers; the others stay as they were typed. */
export function withoutWords(text: string, gone: readonly number[]): string {
  let left = "";
  let kept = 0;
  for (const [number, { start, end }] of placedWords(text).placed.entries()) {
    if (gone.includes(number)) {
      left += text.slice(kept, start).trimEnd();
      kept = end;
    }
  }
  return (left + text.slice(kept)).trim();
}

interface Placed {
  word: string;
  start: number;
  end: number;
}

function placedWords(text: string): { placed: Placed[]; unclosed?: Words["unclosed"] } {
  const placed: Placed[] = [];
  let open: Placed | undefined;
  let at = 0;
  while (at < text.length) {
    const char = text[at] ?? "";
    if (SPACE.has(char)) {
      open = undefined;
      at += 1;
      continue;
    }
    const piece = pieceAt(text, at, char);
    if (!open) {
      open = { word: "", start: at, end: at };
      placed.push(open);
    }
    open.word += piece.text;
    open.end = piece.next;
    if (piece.unclosed) return { placed, unclosed: piece.unclosed };
    at = piece.next;
  }
  return { placed };
}

interface Piece {
  text: string;
  next: number;
  unclosed?: "'" | '"' | "\\";
}

function pieceAt(text: string, at: number, char: string): Piece {
  if (char === "\\") {
    const escaped = text[at + 1];
    return escaped === undefined
      ? { text: "", next: at + 1, unclosed: "\\" }
      : { text: escaped, next: at + 2 };
  }
  if (char === "'") {
    const end = text.indexOf("'", at + 1);
    if (end < 0) return { text: text.slice(at + 1), next: text.length, unclosed: "'" };
    return { text: text.slice(at + 1, end), next: end + 1 };
  }
  return char === '"' ? quoted(text, at + 1) : { text: char, next: at + 1 };
}

/** Within double quotes a backslash escapes `"` and itself, and stands for itself before all else. */
function quoted(text: string, start: number): Piece {
  let found = "";
  for (let at = start; at < text.length; at++) {
    const char = text[at] ?? "";
    if (char === '"') return { text: found, next: at + 1 };
    const after = text[at + 1];
    if (char === "\\" && (after === '"' || after === "\\")) {
      found += after;
      at += 1;
    } else found += char;
  }
  return { text: found, next: text.length, unclosed: '"' };
}

/** A word as a POSIX shell takes it for itself. */
export function quoteWord(word: string): string {
  return /^[A-Za-z0-9_@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'"'"'`)}'`;
}
