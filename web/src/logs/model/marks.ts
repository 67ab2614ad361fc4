/** Matches of a search within what is drawn of a line. */
import { type Run, unitsOf } from "./line";
import type { Style } from "./sgr";

export interface Mark {
  /** Byte offsets. */
  start: number;
  end: number;
  current: boolean;
}

export interface Span {
  text: string;
  style: Style;
  mark: "match" | "current" | undefined;
  key: number;
}

/** The runs, cut where marks begin and end. */
export function marked(runs: readonly Run[], marks: readonly Mark[]): Span[] {
  return runs.flatMap((run, index) => {
    const inside = marks.filter((mark) => mark.start < run.at + run.bytes && mark.end > run.at);
    const spans: Span[] = [];
    let used = 0;
    const add = (until: number, mark: Span["mark"]) => {
      if (until > used) {
        spans.push({
          text: run.text.slice(used, until),
          style: run.style,
          mark,
          key: index * 1_000 + spans.length,
        });
      }
      used = Math.max(used, until);
    };
    for (const mark of inside) {
      add(unitsOf(run, mark.start - run.at), undefined);
      add(unitsOf(run, mark.end - run.at), mark.current ? "current" : "match");
    }
    add(run.text.length, undefined);
    return spans;
  });
}
