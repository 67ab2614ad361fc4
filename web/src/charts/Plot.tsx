/** uPlot in React: drawn anew when the lines change, told where the pointer is. Loaded when first needed. */
import { useEffect, useRef } from "react";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { formatDuration, formatNumber, formatTick } from "@/i18n/format";
import { type Aligned, type Axis, type ChartLine, nearest } from "./lines";
import { colour, dash } from "./look";

export interface PlotProps {
  lines: readonly ChartLine[];
  /** Numbers of the lines, which their colours go by; they stay as others are hidden. */
  numbers: readonly number[];
  data: Aligned;
  axis: Axis;
  log: boolean;
  dark: boolean;
  height: number;
  /** Distances between marks of y, for numbers that are not counted in tens. */
  marks: readonly number[] | undefined;
  formatY: (value: number) => string;
  onHover: (place: number | undefined) => void;
  onPoint: ((offset: number) => void) | undefined;
}

function token(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

const DAY = 86_400;
const DURATIONS = [
  0.5,
  1,
  2,
  5,
  10,
  15,
  30,
  60,
  120,
  300,
  600,
  900,
  1800,
  3600,
  7200,
  14400,
  21600,
  43200,
  DAY,
];
const WHOLE = [1, 2, 5]
  .flatMap((digit) => [...Array(12)].map((_, power) => digit * 10 ** power))
  .sort((a, b) => a - b);

/** How x is told, and in which distances. */
function across({ axis, data }: PlotProps): Pick<uPlot.Axis, "values" | "incrs" | "space"> {
  const xs = data.columns[0];
  if (axis === "moment") {
    const days = (xs.at(-1) ?? 0) - (xs[0] ?? 0) > DAY;
    return {
      values: (_, ticks) => ticks.map((tick) => formatTick(new Date(tick * 1000), days)),
      space: 100,
    };
  }
  if (axis === "duration")
    return {
      values: (_, ticks) =>
        ticks.map((tick) => (tick < 10 ? formatDuration(tick) : formatDuration(Math.round(tick)))),
      incrs: [...DURATIONS, ...[2, 7, 14, 28].map((days) => days * DAY)],
    };
  const whole = xs.every(Number.isInteger);
  return {
    values: (_, ticks) => ticks.map((tick) => formatNumber(tick, 6)),
    ...(whole ? { incrs: WHOLE } : {}),
  };
}

function options(props: PlotProps, width: number): uPlot.Options {
  const { lines, numbers, axis, log, dark, height, marks, formatY } = props;
  const grid = { stroke: token("--line"), width: 1 };
  const font = "11px Inter, ui-sans-serif, system-ui, sans-serif";
  const common = { stroke: token("--ink-faint"), font, grid, ticks: { ...grid, size: 4 } };
  return {
    width,
    height,
    legend: { show: false },
    cursor: { y: false, points: { size: 6 }, drag: { x: true, y: false } },
    scales: { x: { time: axis === "moment" }, y: { distr: log ? 3 : 1 } },
    axes: [
      {
        ...common,
        size: 28,
        ...across(props),
      },
      {
        ...common,
        size: 64,
        ...(marks && !log ? { incrs: [...marks] } : {}),
        values: (_: uPlot, ticks: (number | null)[]) =>
          ticks.map((tick) => (tick === null ? "" : formatY(tick))),
      },
    ],
    series: [
      {},
      ...lines.map((line, index) => {
        const number = numbers[index] ?? index;
        return {
          label: line.label,
          stroke: line.quiet ? token("--ink-faint") : colour(number, dark),
          width: line.quiet ? 1 : 1.5,
          dash: line.quiet ? [4, 4] : dash(number),
          points: { show: line.quiet ? false : line.x.length < 40, size: 4 },
        };
      }),
    ],
    hooks: { setCursor: [(plot) => props.onHover(plot.cursor.idx ?? undefined)] },
  };
}

export default function Plot(props: PlotProps) {
  const place = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot>(undefined);
  const latest = useRef(props);
  latest.current = props;
  const { lines, numbers, axis, log, dark, height, data } = props;
  const shape = JSON.stringify([
    axis,
    log,
    dark,
    height,
    lines.map(({ id, quiet, x }, index) => [id, quiet, x.length < 40, numbers[index]]),
  ]);

  // biome-ignore lint/correctness/useExhaustiveDependencies: made anew only if its shape changes
  useEffect(() => {
    const around = place.current;
    if (!around) return undefined;
    const given = {
      ...latest.current,
      onHover: (at: number | undefined) => latest.current.onHover(at),
      formatY: (value: number) => latest.current.formatY(value),
    };
    const made = new uPlot(
      options(given, Math.max(around.clientWidth, 100)),
      latest.current.data.columns as uPlot.AlignedData,
      around,
    );
    plot.current = made;
    const clicked = () => {
      const { lines: drawn, data: told, onPoint } = latest.current;
      const found = pointAt(made, drawn, told);
      if (found !== undefined) onPoint?.(found);
    };
    made.over.addEventListener("click", clicked);
    const observer = new ResizeObserver(() => {
      if (around.clientWidth > 0) made.setSize({ width: around.clientWidth, height: latest.current.height });
    });
    observer.observe(around);
    return () => {
      observer.disconnect();
      made.destroy();
      plot.current = undefined;
    };
  }, [shape]);

  useEffect(() => plot.current?.setData(data.columns as uPlot.AlignedData), [data]);
  return <div ref={place} aria-hidden className="w-full" />;
}

/** Where the point was printed that is nearest to the pointer. */
function pointAt(plot: uPlot, lines: readonly ChartLine[], data: Aligned): number | undefined {
  const { idx, top } = plot.cursor;
  if (idx === null || idx === undefined || top === undefined) return undefined;
  let best: { away: number; offset: number } | undefined;
  lines.forEach((line, number) => {
    const column = data.columns[number + 1] ?? [];
    const at = nearest(column, idx);
    const value = at === undefined ? undefined : column[at];
    const point = at === undefined ? undefined : data.points[number]?.get(data.columns[0][at] ?? Number.NaN);
    const offset = point === undefined ? undefined : line.offsets?.[point];
    if (typeof value !== "number" || offset === undefined) return;
    const away = Math.abs(plot.valToPos(value, "y") - top);
    if (!best || away < best.away) best = { away, offset };
  });
  return best?.offset;
}
