/** What a job used over its whole life. */
import type { TFunction } from "i18next";
import { useMemo } from "react";
import { useTranslation } from "react-i18next";
import { formatBytes, formatNumber } from "@/i18n/format";
import { Empty } from "@/ui/Empty";
import { ProblemNote } from "@/ui/ProblemNote";
import { Skeleton } from "@/ui/Skeleton";
import { Chart } from "./Chart";
import type { ChartLine } from "./lines";
import { type Samples, useSamples } from "./series";

const MIB = 1024 * 1024;
const inBytes = (mb: number) => formatBytes(mb * MIB);
const inPercent = (value: number) => `${formatNumber(value, 3)} %`;

/** From 1 MiB up. */
const BINARY = [...Array(31)].map((_, power) => 2 ** power);

interface Picture {
  id: "cpu" | "memory" | "gpu" | "gpuMemory";
  lines: ChartLine[];
  marks?: readonly number[];
  format?: (value: number) => string;
}

function flat(id: string, label: string, samples: Samples, value: number): ChartLine {
  const ends = [samples.seconds[0] ?? 0, samples.seconds.at(-1) ?? 0];
  return { id, label, x: ends, y: [value, value], quiet: true };
}

function pictures(samples: Samples, t: TFunction<"charts">): Picture[] {
  const x = samples.seconds;
  const cpu: Picture = {
    id: "cpu",
    lines: [
      { id: "resources.cpu", label: t("used"), x, y: samples.cpu_cores },
      { id: "resources.cpu.most", label: t("most"), x, y: samples.cpu_cores_max },
      flat("resources.cpu.asked", t("asked"), samples, samples.cpus),
    ],
    format: (value) => formatNumber(value, 3),
  };
  const memory: Picture = {
    id: "memory",
    lines: [
      { id: "resources.memory", label: t("used"), x, y: samples.memory_mb },
      { id: "resources.memory.most", label: t("most"), x, y: samples.memory_mb_max },
      flat("resources.memory.asked", t("asked"), samples, samples.memory_limit_mb),
    ],
    format: inBytes,
    marks: BINARY,
  };
  // Short stretches hold one measurement each: most and mean are the same then.
  const merged = samples.cpu_cores_max.some((most, index) => most !== samples.cpu_cores[index]);
  const both = [cpu, memory].map((one) =>
    merged ? one : { ...one, lines: one.lines.filter((line) => !line.id.endsWith(".most")) },
  );
  const of = (id: "gpu" | "gpuMemory", column: "percent" | "memory_mb"): ChartLine[] =>
    samples.gpus.map((gpu, number) => ({
      id: `resources.${id}.${number}`,
      label: t("gpuName", { number }),
      x,
      y: gpu[column],
    }));
  if (!samples.gpus.length) return both;
  return [
    ...both,
    { id: "gpu", lines: of("gpu", "percent"), format: inPercent },
    { id: "gpuMemory", lines: of("gpuMemory", "memory_mb"), format: inBytes, marks: BINARY },
  ];
}

interface ResourcesProps {
  jobId: string;
  attempt: number | undefined;
  live: boolean;
}

export function Resources({ jobId, attempt, live }: ResourcesProps) {
  const { t } = useTranslation("charts");
  const { data, error } = useSamples(jobId, attempt, live);
  const found = useMemo(() => (data?.seconds.length ? pictures(data, t) : []), [data, t]);
  if (!data) return error ? <ProblemNote problem={error} /> : <Skeleton className="h-56" />;
  return (
    <section aria-label={t("resources")} className="space-y-3">
      {error ? <ProblemNote problem={error} /> : null}
      {found.length ? (
        <div className="grid gap-3 xl:grid-cols-2">
          {found.map(({ id, lines, marks, format }) => (
            <Chart
              key={id}
              title={t(id)}
              lines={lines}
              axis="duration"
              xLabel={t("seconds")}
              {...(format ? { formatY: format } : {})}
              {...(marks ? { marks } : {})}
            />
          ))}
        </div>
      ) : (
        <Empty title={t("noSamples")} />
      )}
    </section>
  );
}
