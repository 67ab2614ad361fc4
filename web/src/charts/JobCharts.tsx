/** A job's charts: what it printed, and what it used. */
import { useTranslation } from "react-i18next";
import { Curves } from "./Curves";
import { Resources } from "./Resources";

interface JobChartsProps {
  jobId: string;
  /** The latest one if left out. */
  attempt?: number;
  /** Whether the job may still print. */
  live: boolean;
  /** Opens the line of stdout.log that begins at a byte. */
  onOpenLine?: (offset: number) => void;
}

export function JobCharts({ jobId, attempt, live, onOpenLine }: JobChartsProps) {
  const { t } = useTranslation("charts");
  return (
    <div className="min-h-0 flex-1 space-y-5 overflow-auto p-4">
      <Curves jobId={jobId} attempt={attempt} live={live} onOpenLine={onOpenLine} />
      <h2 className="font-medium">{t("resources")}</h2>
      <Resources jobId={jobId} attempt={attempt} live={live} />
    </div>
  );
}
