/** A line chart: its lines with their values, which can be hidden; and the same as a table. */
import clsx from "clsx";
import { ChartLine as ChartIcon, Table2 } from "lucide-react";
import { lazy, Suspense, useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { formatDuration, formatMoment, formatNumber } from "@/i18n/format";
import { Skeleton } from "@/ui/Skeleton";
import { ChartTable } from "./ChartTable";
import { type Aligned, type Axis, aligned, type ChartLine, nearest } from "./lines";
import { colour, useDark, useView } from "./look";

const Plot = lazy(() => import("./Plot"));
const HEIGHT = 180;

interface ChartProps {
  title: string;
  lines: readonly ChartLine[];
  axis: Axis;
  /** What stands over the column of x in the table. */
  xLabel: string;
  log?: boolean;
  /** Distances between marks of y, for numbers that are not counted in tens. */
  marks?: readonly number[];
  formatY?: (value: number) => string;
  /** Opens the line of stdout.log that a point was printed in. */
  onPoint?: ((offset: number) => void) | undefined;
}

function plain(value: number): string {
  const size = Math.abs(value);
  if (value !== 0 && (size < 1e-3 || size >= 1e7)) return value.toExponential(2).replace(/\.?0+e/, "e");
  return formatNumber(value, 4);
}

export function formatX(value: number, axis: Axis): string {
  if (axis === "moment") return formatMoment(new Date(value * 1000));
  return axis === "duration" ? formatDuration(value) : formatNumber(value, 8);
}

export function Chart(props: ChartProps) {
  const { title, lines, axis, xLabel, log = false, marks, formatY = plain, onPoint } = props;
  const { t } = useTranslation("charts");
  const dark = useDark();
  const hidden = useView((view) => view.hidden);
  const [asTable, setAsTable] = useState(false);
  const [place, setPlace] = useState<number>();
  const numbers = useMemo(
    () => lines.flatMap((line, number) => (hidden.includes(line.id) ? [] : [number])),
    [lines, hidden],
  );
  const seen = useMemo(() => lines.filter((line) => !hidden.includes(line.id)), [lines, hidden]);
  const data = useMemo(() => aligned(seen, log), [seen, log]);
  const x = place === undefined ? undefined : data.columns[0][place];
  return (
    <figure
      aria-label={t("pictureOf", { names: title })}
      className="min-w-0 rounded-lg border border-line bg-surface px-3 pt-2 pb-1"
    >
      <figcaption className="flex items-center gap-2">
        <span className="min-w-0 truncate font-medium" title={title}>
          {title}
        </span>
        <span className="ml-auto whitespace-nowrap text-ink-faint text-xs tabular-nums">
          {x === undefined ? "" : `${xLabel} ${formatX(x, axis)}`}
        </span>
        <button
          type="button"
          aria-label={asTable ? t("chart") : t("table")}
          title={asTable ? t("chart") : t("table")}
          aria-pressed={asTable}
          onClick={() => setAsTable(!asTable)}
          className="rounded p-1 text-ink-faint hover:bg-sunken hover:text-ink"
        >
          {asTable ? <ChartIcon className="size-4" aria-hidden /> : <Table2 className="size-4" aria-hidden />}
        </button>
      </figcaption>
      <Legend lines={lines} dark={dark} data={data} seen={seen} place={place} formatY={formatY} />
      {asTable ? (
        <ChartTable
          lines={seen}
          data={data}
          axis={axis}
          xLabel={xLabel}
          formatY={formatY}
          onPoint={onPoint}
        />
      ) : (
        <Suspense fallback={<Skeleton className="h-[180px]" />}>
          <div className={onPoint ? "cursor-pointer" : undefined}>
            <Plot
              lines={seen}
              numbers={numbers}
              data={data}
              axis={axis}
              log={log}
              dark={dark}
              height={HEIGHT}
              marks={marks}
              formatY={formatY}
              onHover={setPlace}
              onPoint={onPoint}
            />
          </div>
        </Suspense>
      )}
    </figure>
  );
}

interface LegendProps {
  lines: readonly ChartLine[];
  seen: readonly ChartLine[];
  data: Aligned;
  place: number | undefined;
  dark: boolean;
  formatY: (value: number) => string;
}

/** The lines' names with the value under the pointer, else the newest; pressed, they hide and show. */
function Legend({ lines, seen, data, place, dark, formatY }: LegendProps) {
  const { t } = useTranslation("charts");
  const toggle = useView((view) => view.toggle);
  const value = (line: ChartLine) => {
    const column = data.columns[seen.indexOf(line) + 1];
    if (!column || !seen.includes(line)) return "";
    const at = nearest(column, place ?? column.length - 1);
    const found = at === undefined ? undefined : column[at];
    return typeof found === "number" ? formatY(found) : "";
  };
  return (
    <div className="flex flex-wrap gap-x-3 text-xs">
      {lines.map((line, number) => {
        const shown = seen.includes(line);
        return (
          <button
            key={line.id}
            type="button"
            aria-pressed={shown}
            aria-label={t(shown ? "shown" : "hidden", { name: line.label })}
            onClick={() => toggle(line.id)}
            className={clsx(
              "inline-flex min-w-0 items-center gap-1.5 rounded py-0.5 text-ink-soft hover:text-ink",
              !shown && "line-through opacity-60",
            )}
          >
            <span
              aria-hidden
              className={clsx("h-0 w-3 border-t-2", line.quiet && "border-dashed")}
              style={{ borderColor: line.quiet ? "var(--ink-faint)" : colour(number, dark) }}
            />
            <span className="max-w-56 truncate">{line.label}</span>
            <span className="text-ink tabular-nums">{value(line)}</span>
          </button>
        );
      })}
    </div>
  );
}
