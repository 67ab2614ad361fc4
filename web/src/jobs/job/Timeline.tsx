/** How an attempt's time went, as one bar of its phases. */
import { useTranslation } from "react-i18next";
import { formatDuration, formatMoment } from "@/i18n/format";
import { Tip } from "@/ui/Tip";
import { useNow } from "@/ui/useNow";
import { type Phase, phasesOf } from "../phases";
import type { Attempt } from "../queries";

const COLOURS: Record<Phase, string> = {
  waiting: "bg-state-queued",
  staging: "bg-state-stale",
  running: "bg-state-running",
  collecting: "bg-state-reused",
};
/** The least width of a phase that took time, so that it can be seen and pointed at. */
const LEAST = 1.2;

export function Timeline({ attempt }: { attempt: Attempt }) {
  const { t } = useTranslation("jobs");
  const now = useNow(1_000, !attempt.finished_at);
  const spans = phasesOf(attempt, now);
  const total = spans.reduce((sum, { from, until }) => sum + until - from, 0) || 1;
  return (
    <section aria-label={t("timeline.label")}>
      <div className="flex h-2.5 gap-0.5 overflow-hidden rounded">
        {spans.map(({ phase, from, until, open }) => (
          <Tip
            key={phase}
            text={`${t(`phase.${phase}`)} ${formatDuration((until - from) / 1000)} · ${formatMoment(new Date(from))}`}
          >
            <div
              className={`${COLOURS[phase]} ${open ? "animate-pulse" : ""}`}
              style={{ flexGrow: Math.max(((until - from) / total) * 100, LEAST), flexBasis: 0 }}
            />
          </Tip>
        ))}
      </div>
      <ol className="mt-1.5 flex flex-wrap gap-x-5 gap-y-1 text-xs">
        {spans.map(({ phase, from, until, open }) => (
          <li key={phase} className="flex items-center gap-1.5">
            <span aria-hidden className={`size-2.5 rounded-sm ${COLOURS[phase]}`} />
            <span className="text-ink-soft">{t(`phase.${phase}`)}</span>
            <span className="font-mono">
              {formatDuration((until - from) / 1000)}
              {open ? " …" : ""}
            </span>
          </li>
        ))}
      </ol>
    </section>
  );
}
