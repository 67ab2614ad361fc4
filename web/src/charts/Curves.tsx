/** The numbers a job printed or wrote for TensorBoard, as charts. */
import { useTranslation } from "react-i18next";
import { formatNumber } from "@/i18n/format";
import { Empty } from "@/ui/Empty";
import { ProblemNote } from "@/ui/ProblemNote";
import { Skeleton } from "@/ui/Skeleton";
import { Chart } from "./Chart";
import { Controls } from "./Controls";
import { type Group, grouped } from "./groups";
import type { Axis, ChartLine } from "./lines";
import { type Across, useView } from "./look";
import { type Series, useSeries } from "./series";

interface CurvesProps {
  jobId: string;
  attempt: number | undefined;
  live: boolean;
  onOpenLine: ((offset: number) => void) | undefined;
}

function line(series: Series, across: Across): ChartLine {
  return {
    id: series.name,
    label: series.name,
    x: across === "time" ? series.times.map((time) => (time == null ? null : time / 1000)) : series.steps,
    y: series.values,
    ...(series.offsets.length ? { offsets: series.offsets } : {}),
  };
}

const asPercent = (value: number) => `${formatNumber(value, 4)} %`;

export function Curves({ jobId, attempt, live, onOpenLine }: CurvesProps) {
  const { t } = useTranslation("charts");
  const { data, error } = useSeries(jobId, attempt, live);
  const across = useView((view) => view.across);
  const log = useView((view) => view.log);
  if (!data) return error ? <ProblemNote problem={error} /> : <Skeleton className="h-56" />;
  const groups = grouped(data.series);
  const single = data.series.filter((series) => series.steps.length === 1).length;
  // What comes from TensorBoard's files stands in no line.
  const printed = data.series.some((series) => series.offsets.length);
  const share = data.size ? `${Math.floor((data.until / data.size) * 100)} %` : "";
  return (
    <section aria-label={t("curves")} className="space-y-3">
      {error ? <ProblemNote problem={error} /> : null}
      {groups.length ? (
        <Controls
          names={data.series.map((series) => series.name)}
          hint={onOpenLine && printed ? t("openHint") : ""}
        />
      ) : null}
      {data.complete ? null : (
        <p role="status" className="text-ink-soft text-xs">
          {t("reading", { share })}
        </p>
      )}
      {groups.length ? (
        <div className="grid gap-3 xl:grid-cols-2">
          {groups.map((group) => (
            <GroupChart key={group.id} group={group} across={across} log={log} onOpenLine={onOpenLine} />
          ))}
        </div>
      ) : data.complete ? (
        <Empty title={t("none")}>
          <p className="max-w-md text-ink-faint">{t("noneWhy")}</p>
        </Empty>
      ) : null}
      {single && groups.length ? (
        <p className="text-ink-faint text-xs">{t("single", { count: single })}</p>
      ) : null}
    </section>
  );
}

interface GroupProps {
  group: Group;
  across: Across;
  log: boolean;
  onOpenLine: ((offset: number) => void) | undefined;
}

function GroupChart({ group, across, log, onOpenLine }: GroupProps) {
  const { t } = useTranslation("charts");
  const first = group.series[0];
  const axis: Axis = across === "time" ? "moment" : "number";
  const percent = group.series.every((series) => series.percent);
  return (
    <Chart
      title={group.series.map((series) => series.name).join(", ")}
      lines={group.series.map((series) => line(series, across))}
      axis={axis}
      xLabel={across === "time" ? t("time") : t(first?.counts ?? "step")}
      log={log}
      {...(percent ? { formatY: asPercent } : {})}
      onPoint={onOpenLine}
    />
  );
}
