/** One line: its number, who wrote it and when, and its text, always as text. */
import { type CSSProperties, memo } from "react";
import { useTranslation } from "react-i18next";
import { formatBytes } from "@/i18n/format";
import { type Mark, marked, type Span } from "../model/marks";
import type { Painted } from "../model/painter";
import { cssColour, inkColour, inkOn, PLAIN, type Style } from "../model/sgr";

export interface RowProps {
  painted: Painted;
  number: number | undefined;
  time: string | undefined;
  stderr: boolean;
  chosen: boolean;
  pinned: boolean;
  marks: readonly Mark[];
  onNumber: (start: number, number: number, extend: boolean) => void;
  onExpand: (start: number) => void;
}

function css(style: Style): CSSProperties | undefined {
  if (style === PLAIN) return undefined;
  const asInk = style.bg === undefined && !style.inverse ? inkColour : cssColour;
  let fg = style.fg === undefined ? undefined : asInk(style.fg);
  let bg = style.bg === undefined ? undefined : cssColour(style.bg);
  if (style.inverse) [fg, bg] = [bg ?? "var(--surface)", fg ?? "var(--ink)"];
  if (style.bg !== undefined && style.fg === undefined && !style.inverse) fg = inkOn(style.bg);
  const lines = [style.underline ? "underline" : "", style.strike ? "line-through" : ""].filter(Boolean);
  return {
    ...(fg ? { color: fg } : {}),
    ...(bg ? { backgroundColor: bg } : {}),
    ...(style.bold ? { fontWeight: 600 } : {}),
    ...(style.dim ? { opacity: 0.7 } : {}),
    ...(style.italic ? { fontStyle: "italic" } : {}),
    ...(lines.length ? { textDecoration: lines.join(" ") } : {}),
  };
}

function Piece({ span }: { span: Span }) {
  const style = css(span.style);
  if (span.mark) {
    const { color: _colour, backgroundColor: _ground, ...rest } = style ?? {};
    return (
      <mark style={rest} data-current={span.mark === "current" || undefined}>
        {span.text}
      </mark>
    );
  }
  return style ? <span style={style}>{span.text}</span> : span.text;
}

export const LogRow = memo(function LogRow(props: RowProps) {
  const { painted, number, time, stderr, chosen, pinned, marks, onNumber, onExpand } = props;
  const { t } = useTranslation("logs");
  const { line, parsed, hidden } = painted;
  const spans = marked(parsed?.runs ?? [], marks);
  return (
    <div
      className={pinned ? "log-row log-pinned" : "log-row"}
      data-offset={line.start}
      data-end={line.end}
      data-chosen={chosen || undefined}
    >
      <span className="log-gutter">
        <button
          type="button"
          tabIndex={-1}
          className="log-number"
          aria-label={number === undefined ? t("lineUnknown") : t("line", { number })}
          onClick={(event) => number !== undefined && onNumber(line.start, number, event.shiftKey)}
        >
          {number}
        </button>
        {time === undefined ? null : <span className="px-1 tabular-nums">{time}</span>}
        <span
          className="log-stream"
          data-stderr={stderr || undefined}
          {...(stderr ? { role: "img", "aria-label": t("stderr"), title: t("stderr") } : {})}
        />
      </span>
      <span className="log-text">
        <span data-text>
          {spans.map((span) => (
            <Piece key={span.key} span={span} />
          ))}
        </span>
        {hidden > 0 ? (
          <button
            type="button"
            className="log-more text-accent underline"
            onClick={() => onExpand(line.start)}
          >
            {hidden <= MORE
              ? t("showAll", { size: formatBytes(hidden) })
              : t("showMore", { size: formatBytes(hidden) })}
          </button>
        ) : null}
      </span>
    </div>
  );
});

/** How much more of a long line is shown at once, in bytes. */
export const MORE = 256 * 1024;
