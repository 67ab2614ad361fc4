/** What a chart draws: lines over one axis, brought together for uPlot. */

export interface ChartLine {
  /** What is remembered if it is hidden. */
  id: string;
  label: string;
  x: readonly (number | null)[];
  y: readonly (number | null)[];
  /** For each point, where in stdout.log it was printed. */
  offsets?: readonly number[];
  /** A line to compare with, not one that was measured. */
  quiet?: boolean;
}

export type Axis = "number" | "moment" | "duration";

type Cell = number | null | undefined;

export interface Aligned {
  /** The x of all lines, then the y of each; undefined where a line has no point, null where it has a gap. */
  columns: [number[], ...Cell[][]];
  /** For each line, which of its points stands at an x. */
  points: Map<number, number>[];
}

export function aligned(lines: readonly ChartLine[], log: boolean): Aligned {
  const places = new Set<number>();
  for (const { x } of lines) for (const one of x) if (one !== null) places.add(one);
  const xs = [...places].sort((one, other) => one - other);
  const points = lines.map(({ x }) => {
    const found = new Map<number, number>();
    x.forEach((one, index) => {
      if (one !== null) found.set(one, index);
    });
    return found;
  });
  const ys = lines.map(({ y }, line) =>
    xs.map((x): Cell => {
      const index = points[line]?.get(x);
      if (index === undefined) return undefined;
      const value = y[index] ?? null;
      return log && value !== null && value <= 0 ? null : value;
    }),
  );
  return { columns: [xs, ...ys], points };
}

/** The place of the value that is nearest to `place` in a column; undefined if it has none. */
export function nearest(column: readonly Cell[], place: number): number | undefined {
  for (let away = 0; away < column.length; away += 1)
    for (const at of [place - away, place + away])
      if (at >= 0 && at < column.length && typeof column[at] === "number") return at;
  return undefined;
}
