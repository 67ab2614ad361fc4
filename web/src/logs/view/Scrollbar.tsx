/** Where in the file one is, by bytes: a file of any size can be gone through with it. */
import { type PointerEvent, useRef } from "react";
import { useTranslation } from "react-i18next";
import type { Scroll } from "./useScroll";

const SMALLEST = 28;

interface ScrollbarProps {
  scroll: Scroll;
  size: number;
  height: number;
  controls: string;
  /** Byte offsets that are worth a look. */
  marks: readonly number[];
}

export function Scrollbar({ scroll, size, height, controls, marks }: ScrollbarProps) {
  const { t } = useTranslation("logs");
  const grabbed = useRef<number | undefined>(undefined);
  const { start, end, all } = scroll.seen;
  if (all || !size) return null;
  const seen = Math.max(1, end - start);
  const thumb = Math.max(SMALLEST, Math.min(height, (seen / size) * height));
  const fraction = scroll.position.end ? 1 : Math.min(1, start / Math.max(1, size - seen));
  const top = fraction * (height - thumb);

  const drag = (event: PointerEvent<HTMLDivElement>) => {
    if (grabbed.current === undefined) return;
    const y = event.clientY - event.currentTarget.getBoundingClientRect().top - grabbed.current;
    const wanted = y / Math.max(1, height - thumb);
    scroll.toFraction(wanted >= 0.999 ? 1 : (wanted * (size - seen)) / size);
  };
  return (
    <div
      role="scrollbar"
      aria-label={t("position")}
      aria-controls={controls}
      aria-orientation="vertical"
      aria-valuenow={Math.round(fraction * 100)}
      tabIndex={-1}
      className="relative w-3.5 shrink-0 touch-none border-line border-l bg-sunken"
      onPointerDown={(event) => {
        const y = event.clientY - event.currentTarget.getBoundingClientRect().top;
        grabbed.current = y >= top && y <= top + thumb ? y - top : thumb / 2;
        event.currentTarget.setPointerCapture(event.pointerId);
        event.preventDefault();
        drag(event);
      }}
      onPointerMove={drag}
      onPointerUp={() => {
        grabbed.current = undefined;
      }}
      onPointerCancel={() => {
        grabbed.current = undefined;
      }}
    >
      {marks.map((offset) => (
        <span
          key={offset}
          className="absolute right-0.5 left-0.5 h-0.5 bg-danger"
          style={{ top: (offset / size) * (height - 2) }}
        />
      ))}
      <div
        className="absolute right-0.5 left-0.5 rounded bg-line-strong opacity-80 hover:opacity-100"
        style={{ top, height: thumb }}
      />
    </div>
  );
}
