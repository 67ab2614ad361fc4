/** A chart's numbers as a table, the newest first; a number leads to the line it was printed in. */
import { useTranslation } from "react-i18next";
import { formatCount } from "@/i18n/format";
import { formatX } from "./Chart";
import type { Aligned, Axis, ChartLine } from "./lines";

const MOST_ROWS = 200;

interface TableProps {
  lines: readonly ChartLine[];
  data: Aligned;
  axis: Axis;
  xLabel: string;
  formatY: (value: number) => string;
  onPoint: ((offset: number) => void) | undefined;
}

export function ChartTable({ lines, data, axis, xLabel, formatY, onPoint }: TableProps) {
  const { t } = useTranslation("charts");
  const xs = data.columns[0];
  const rows = xs.map((x, place) => ({ x, place })).slice(-MOST_ROWS);
  rows.reverse();
  const offsetAt = (line: number, x: number) => {
    const point = data.points[line]?.get(x);
    return point === undefined ? undefined : lines[line]?.offsets?.[point];
  };
  return (
    <section
      aria-label={t("table")}
      // biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, so the keyboard has to reach it
      tabIndex={0}
      className="h-[180px] overflow-auto"
    >
      {xs.length > MOST_ROWS ? (
        <p className="text-ink-faint text-xs">
          {t("newest", { count: MOST_ROWS, total: formatCount(xs.length) })}
        </p>
      ) : null}
      <table className="w-full text-right text-xs tabular-nums">
        <thead className="sticky top-0 bg-surface text-ink-faint">
          <tr>
            <th className="py-1 text-left font-normal">{xLabel}</th>
            {lines.map((line) => (
              <th key={line.id} className="max-w-40 truncate py-1 pl-3 font-normal">
                {line.label}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map(({ x, place }) => (
            <tr key={x} className="border-line border-t">
              <td className="py-0.5 text-left">{formatX(x, axis)}</td>
              {lines.map((line, number) => (
                <td key={line.id} className="pl-3">
                  <Value
                    value={data.columns[number + 1]?.[place]}
                    offset={offsetAt(number, x)}
                    formatY={formatY}
                    onPoint={onPoint}
                  />
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

interface ValueProps {
  value: number | null | undefined;
  offset: number | undefined;
  formatY: (value: number) => string;
  onPoint: ((offset: number) => void) | undefined;
}

function Value({ value, offset, formatY, onPoint }: ValueProps) {
  const { t } = useTranslation("charts");
  if (value === undefined) return null;
  const text = value === null ? t("gap") : formatY(value);
  if (offset === undefined || !onPoint) return text;
  return (
    <button
      type="button"
      title={t("openLine")}
      className="underline decoration-line-strong underline-offset-2 hover:decoration-ink"
      onClick={() => onPoint(offset)}
    >
      {text}
    </button>
  );
}
