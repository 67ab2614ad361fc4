/** Every try of the job; choosing one shows its logs and artifacts. */

import { useTranslation } from "react-i18next";
import { formatDuration, formatMoment } from "@/i18n/format";
import { sentenceOf } from "@/i18n/said";
import { Button } from "@/ui/Button";
import { StateBadge } from "@/ui/StateBadge";
import type { Attempt } from "../queries";

interface AttemptsProps {
  attempts: readonly Attempt[];
  chosen: number;
  onChoose: (number: number) => void;
}

export function Attempts({ attempts, chosen, onChoose }: AttemptsProps) {
  const { t } = useTranslation("jobs");
  return (
    <div className="overflow-auto p-4">
      <table className="w-full">
        <thead className="text-left text-ink-faint text-xs">
          <tr className="[&>th]:pr-4">
            <th className="py-1 font-normal">{t("attempt.number")}</th>
            <th className="font-normal">{t("column.state")}</th>
            <th className="font-normal">{t("column.worker")}</th>
            <th className="font-normal">{t("attempt.queued")}</th>
            <th className="font-normal">{t("column.duration")}</th>
            <th className="font-normal">{t("attempt.how")}</th>
            <th aria-label={t("attempt.show")} />
          </tr>
        </thead>
        <tbody>
          {attempts.map((attempt) => (
            <tr key={attempt.number} className="border-line border-t align-top [&>td]:pr-4">
              <td className="py-2">{attempt.number}</td>
              <td className="py-2">
                <StateBadge state={attempt.state} />
              </td>
              <td className="py-2">{attempt.worker ?? ""}</td>
              <td className="whitespace-nowrap py-2">{formatMoment(attempt.created_at)}</td>
              <td className="whitespace-nowrap py-2 font-mono text-xs">{ranFor(attempt)}</td>
              <td className="max-w-md py-2 text-ink-soft [overflow-wrap:anywhere]">{sentenceOf(attempt)}</td>
              <td className="py-1 pr-0! text-right">
                <Button
                  aria-pressed={attempt.number === chosen}
                  disabled={attempt.number === chosen}
                  onClick={() => onChoose(attempt.number)}
                >
                  {attempt.number === chosen ? t("attempt.isShown") : t("attempt.show")}
                </Button>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function ranFor({ started_at, finished_at }: Attempt): string {
  if (!started_at || !finished_at) return "";
  return formatDuration((Date.parse(finished_at) - Date.parse(started_at)) / 1000);
}
