/** What went wrong and what to do, with the stable code. */

import clsx from "clsx";
import { TriangleAlert } from "lucide-react";
import { useTranslation } from "react-i18next";
import { ApiProblem } from "@/api/client";
import { hintOf, messageOf } from "@/i18n/said";

export function ProblemNote({ problem, className }: { problem: Error; className?: string }) {
  const { t } = useTranslation();
  const known = problem instanceof ApiProblem ? problem : undefined;
  const away = known?.code === "unreachable";
  return (
    <div
      role="alert"
      className={clsx("flex gap-2 rounded-lg border border-danger bg-danger-soft px-3 py-2", className)}
    >
      <TriangleAlert aria-hidden className="mt-0.5 size-4 shrink-0 text-danger" />
      <div className="min-w-0">
        <p>{away ? t("problem.unreachable") : messageOf(problem)}</p>
        {away || hintOf(problem) ? (
          <p className="text-ink-soft">{away ? t("problem.unreachableHint") : hintOf(problem)}</p>
        ) : null}
        {known && !away ? (
          <p className="text-ink-faint text-xs">{t("problem.code", { code: known.code })}</p>
        ) : null}
      </div>
    </div>
  );
}
