/** What went wrong, as the program and the platform told it; each leads into the log. */
import { useTranslation } from "react-i18next";
import type { Schema } from "@/api/client";
import { formatCount, formatMoment } from "@/i18n/format";
import { eventOf } from "@/i18n/said";
import { Empty } from "@/ui/Empty";
import { ProblemNote } from "@/ui/ProblemNote";
import { Skeleton } from "@/ui/Skeleton";
import { StateBadge } from "@/ui/StateBadge";

interface ErrorsProps {
  tracebacks: Schema<"Tracebacks"> | undefined;
  events: readonly Schema<"JobEvent">[] | undefined;
  problem: Error | null;
  onTraceback: (traceback: Schema<"Traceback">) => void;
  onEvent: (event: Schema<"JobEvent">) => void;
}

export function ErrorsTab({ tracebacks, events, problem, onTraceback, onEvent }: ErrorsProps) {
  const { t } = useTranslation("logs");
  if (problem) return <ProblemNote problem={problem} className="m-3" />;
  if (!tracebacks || !events) return <Skeleton className="m-3 h-24" />;
  const more = tracebacks.total - tracebacks.tracebacks.length;
  return (
    <div className="min-h-0 flex-1 overflow-auto p-3">
      <h3 className="mb-1 font-medium">
        {t("errors.tracebacks", { count: tracebacks.total, shown: formatCount(tracebacks.total) })}
      </h3>
      {tracebacks.tracebacks.length ? (
        <ol className="mb-4 overflow-hidden rounded-md border border-line">
          {tracebacks.tracebacks.map((one) => (
            <li key={one.offset} className="border-line border-b last:border-b-0">
              <button
                type="button"
                className="flex w-full items-baseline gap-3 px-3 py-1.5 text-left hover:bg-sunken"
                onClick={() => onTraceback(one)}
              >
                <span className="shrink-0 text-accent underline">
                  {t("line", { number: formatCount(one.line) })}
                </span>
                <code className="min-w-0 break-words text-xs">{one.summary}</code>
              </button>
            </li>
          ))}
        </ol>
      ) : (
        <Empty title={tracebacks.complete ? t("errors.none") : t("errors.searching")} />
      )}
      {more > 0 ? (
        <p className="-mt-3 mb-4 text-ink-soft">
          {t("errors.more", { count: more, shown: formatCount(more) })}
        </p>
      ) : null}
      <h3 className="mb-1 font-medium">{t("errors.events")}</h3>
      <ol className="overflow-hidden rounded-md border border-line">
        {events.map((one) => (
          <li key={one.seq} className="border-line border-b last:border-b-0">
            <button
              type="button"
              className="flex w-full items-center gap-3 px-3 py-1.5 text-left hover:bg-sunken"
              onClick={() => onEvent(one)}
            >
              <time dateTime={one.at} className="shrink-0 text-ink-soft tabular-nums">
                {formatMoment(one.at)}
              </time>
              <StateBadge state={one.state} className="w-28 shrink-0 text-xs [&_svg]:animate-none" />
              <span className="min-w-0 break-words">{eventOf(one)}</span>
            </button>
          </li>
        ))}
      </ol>
    </div>
  );
}
