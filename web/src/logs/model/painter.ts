/** Lines as they are drawn, kept while they stay the same: what is drawn again costs nothing. */
import type { Line, LogDocument, Need } from "./document";
import { type ParsedLine, parseLine, styleBehind } from "./line";
import { PLAIN, type Style } from "./sgr";

export interface Painted {
  line: Line;
  /** Undefined while its bytes are on their way. */
  parsed: ParsedLine | undefined;
  hidden: number;
}

interface Kept {
  key: string;
  painted: Painted;
}

/** Bytes before a window that are looked through for a colour that goes on. */
const LOOK_BACK = 16 * 1024;
const LIMIT = 1_000;

export class Painter {
  private readonly kept = new Map<number, Kept>();

  constructor(private readonly document: LogDocument) {}

  paint(lines: readonly Line[], needs: Need[]): Painted[] {
    let style = this.styleBefore(lines[0]);
    return lines.map((line) => {
      const shown = this.document.shown(line, needs);
      const key = `${line.end} ${shown?.from} ${shown?.bytes.length} ${shown?.hidden} ${keyOf(style)}`;
      const known = this.kept.get(line.start);
      const painted =
        known?.key === key
          ? known.painted
          : {
              line,
              parsed: shown && parseLine(shown.bytes, shown.from, style),
              hidden: shown?.hidden ?? 0,
            };
      this.keep(line.start, { key, painted });
      style = painted.parsed?.style ?? style;
      return painted;
    });
  }

  private keep(start: number, kept: Kept): void {
    this.kept.delete(start);
    this.kept.set(start, kept);
    for (const oldest of this.kept.keys()) {
      if (this.kept.size <= LIMIT) break;
      this.kept.delete(oldest);
    }
  }

  private styleBefore(line: Line | undefined): Style {
    if (!line?.start) return PLAIN;
    const before = this.document.pages.slice(Math.max(0, line.start - LOOK_BACK), line.start);
    return before ? styleBehind(before) : PLAIN;
  }
}

function keyOf(style: Style): string {
  return style === PLAIN ? "" : JSON.stringify(style);
}
