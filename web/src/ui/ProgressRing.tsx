/** How far a script says it is: a ring, a share, and the time that is left. */
import { useTranslation } from "react-i18next";
import { formatDuration } from "@/i18n/format";
import { useNow } from "./useNow";

interface RingProps {
  /** From 0 to 1. */
  fraction: number;
  /** Seconds that were left at `at`, if anything tells. */
  secondsLeft?: number | null | undefined;
  /** Milliseconds since 1970. */
  at?: number | null | undefined;
  /** Without the time that is left beside it: that is in its tip. */
  short?: boolean;
  className?: string;
}

const RADIUS = 6;
const AROUND = 2 * Math.PI * RADIUS;

export function ProgressRing({ fraction, secondsLeft, at, short = false, className = "" }: RingProps) {
  const { t } = useTranslation("charts");
  const known = secondsLeft !== null && secondsLeft !== undefined && fraction < 1;
  const now = useNow(1_000, known);
  const share = `${Math.floor(fraction * 100)} %`;
  // An estimate is of whole seconds, and none any more once it has run out.
  const left = known ? Math.round(secondsLeft - (at ? Math.max(0, now - at) / 1000 : 0)) : 0;
  const done = t("progress", { share });
  const time = left > 0 ? t("left", { time: left < 10 ? `${left} s` : formatDuration(left) }) : "";
  const said = [done, time].filter(Boolean).join(", ");
  return (
    <span
      role="progressbar"
      aria-label={done}
      aria-valuetext={said}
      aria-valuenow={Math.floor(fraction * 100)}
      aria-valuemin={0}
      aria-valuemax={100}
      title={said}
      className={`inline-flex items-center gap-1 whitespace-nowrap text-ink-soft text-xs tabular-nums ${className}`}
    >
      <svg aria-hidden="true" viewBox="0 0 16 16" className="-rotate-90 size-4 shrink-0">
        <circle cx="8" cy="8" r={RADIUS} fill="none" strokeWidth="2.5" className="stroke-line-strong" />
        <circle
          cx="8"
          cy="8"
          r={RADIUS}
          fill="none"
          strokeWidth="2.5"
          strokeDasharray={`${fraction * AROUND} ${AROUND}`}
          className="stroke-state-running"
        />
      </svg>
      {share}
      {time && !short ? <span className="text-ink-faint">{time}</span> : null}
    </span>
  );
}
