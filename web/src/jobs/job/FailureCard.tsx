/** First of all, what went wrong: the sentence, the exit, the worker, the traceback and the line to blame. */

import { useQuery } from "@tanstack/react-query";
import { ArrowRight, XCircle } from "lucide-react";
import { useTranslation } from "react-i18next";
import { sentenceOf } from "@/i18n/said";
import type { Attempt, Job } from "../queries";
import { lastOwnFrame } from "../traceback";
import type { Place } from "./ScriptDialog";
import { tracebackQuery } from "./source";

interface FailureCardProps {
  job: Job;
  attempt: Attempt | undefined;
  onOpen: (place: Place) => void;
}

export function FailureCard({ job, attempt, onOpen }: FailureCardProps) {
  const { t } = useTranslation("jobs");
  const failed = attempt?.state === "failed";
  const { data: traceback } = useQuery(tracebackQuery(job.id, attempt?.number ?? 1, failed));
  if (!failed) return null;
  const own = traceback ? lastOwnFrame(traceback) : undefined;
  const openable = own && (own.file === job.spec.script.name || job.spec.dependencies?.name.endsWith(".zip"));
  const facts = [
    attempt.exit_code === null || attempt.exit_code === undefined
      ? ""
      : t("failure.exit", { code: attempt.exit_code }),
    attempt.signal ? t("failure.signal", { signal: attempt.signal }) : "",
    attempt.worker ? t("failure.worker", { worker: attempt.worker }) : "",
    attempt.reason ? t("failure.reason", { reason: attempt.reason }) : "",
  ].filter(Boolean);
  return (
    <section
      aria-label={t("failure.label")}
      className="overflow-hidden rounded-lg border border-danger bg-danger-soft"
    >
      <div className="flex gap-3 px-4 py-3">
        <XCircle aria-hidden className="mt-0.5 size-5 shrink-0 text-danger" />
        <div className="min-w-0 flex-1">
          <h2 className="font-semibold text-sm [overflow-wrap:anywhere]">
            {sentenceOf(attempt) || t("failure.unknown")}
          </h2>
          <p className="mt-0.5 flex flex-wrap gap-x-4 text-ink-soft">
            {facts.map((fact) => (
              <span key={fact}>{fact}</span>
            ))}
          </p>
          {own ? (
            <p className="mt-2">
              {openable ? (
                <button
                  type="button"
                  className="inline-flex items-center gap-1 font-medium text-accent underline"
                  onClick={() => onOpen({ file: own.file, line: own.line })}
                >
                  {t("failure.own", { file: own.file, line: own.line, where: own.where || "?" })}
                  <ArrowRight aria-hidden className="size-4" />
                </button>
              ) : (
                t("failure.own", { file: own.file, line: own.line, where: own.where || "?" })
              )}
            </p>
          ) : null}
        </div>
      </div>
      {traceback ? (
        <section aria-label={t("failure.traceback")}>
          <pre
            ref={(text) => text?.scrollTo({ top: text.scrollHeight })}
            // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reached by keys
            tabIndex={0}
            className="max-h-72 overflow-auto border-danger/40 border-t bg-surface px-4 py-2.5 font-mono text-xs"
          >
            {traceback.text}
          </pre>
        </section>
      ) : null}
    </section>
  );
}
