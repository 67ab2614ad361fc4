/** What went wrong and what to do, in words, with the stable code. */
import { useTranslation } from "react-i18next";
import { ApiProblem } from "@/api/client";
import { hintOf, messageOf } from "@/i18n/said";

interface ProblemTextProps {
  problem: Error;
  /** Whether what failed is tried again without being asked for. */
  again: boolean;
}

export function ProblemText({ problem, again }: ProblemTextProps) {
  const { t } = useTranslation();
  const known = problem instanceof ApiProblem ? problem : undefined;
  const away = known?.code === "unreachable";
  const hint = away ? t(again ? "problem.unreachableHint" : "problem.unreachableOnce") : hintOf(problem);
  return (
    <div className="min-w-0">
      <p>{away ? t("problem.unreachable") : messageOf(problem)}</p>
      {hint ? <p className="text-ink-soft">{hint}</p> : null}
      {known && !away ? (
        <p className="text-ink-faint text-xs">{t("problem.code", { code: known.code })}</p>
      ) : null}
    </div>
  );
}
