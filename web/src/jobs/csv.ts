/** CSV as in RFC 4180, and its cousin with tabs. */

export interface Table {
  rows: string[][];
  /** Whether there is more than was read. */
  cut: boolean;
}

export function parseCsv(text: string, separator: "," | "\t" | ";" = ",", most = 500): Table {
  const rows: string[][] = [];
  let row: string[] = [];
  let at = 0;
  while (at < text.length) {
    if (rows.length >= most) return { rows, cut: true };
    const cell = text[at] === '"' ? quoted(text, at + 1, separator) : bare(text, at, separator);
    row.push(cell.text);
    at = cell.next;
    if (text[at] === separator) {
      at += 1;
      if (at === text.length) row.push("");
      continue;
    }
    at += text.startsWith("\r\n", at) ? 2 : 1;
    rows.push(row);
    row = [];
  }
  if (row.length) rows.push(row);
  return { rows, cut: false };
}

interface Cell {
  text: string;
  next: number;
}

function bare(text: string, start: number, separator: string): Cell {
  let at = start;
  while (at < text.length && text[at] !== separator && text[at] !== "\n" && text[at] !== "\r") at += 1;
  return { text: text.slice(start, at), next: at };
}

/** Two quotes are one; what stands behind the closing one is kept as it is. */
function quoted(text: string, start: number, separator: string): Cell {
  let found = "";
  let at = start;
  for (;;) {
    const end = text.indexOf('"', at);
    if (end < 0) return { text: found + text.slice(at), next: text.length };
    found += text.slice(at, end);
    if (text[end + 1] !== '"') {
      const rest = bare(text, end + 1, separator);
      return { text: found + rest.text, next: rest.next };
    }
    found += '"';
    at = end + 2;
  }
}

/** The separator that its first line has most of. */
export function separatorOf(text: string): "," | "\t" | ";" {
  const line = text.slice(0, 4000).split("\n", 1)[0] ?? "";
  const counts = ([",", "\t", ";"] as const).map((mark) => [line.split(mark).length, mark] as const);
  return counts.reduce((best, one) => (one[0] > best[0] ? one : best))[1];
}
