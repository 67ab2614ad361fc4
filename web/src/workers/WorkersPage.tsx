/** Every worker, live: what it has, what of it is taken and by which job. */
import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { formatBytes, formatCount } from "@/i18n/format";
import { Empty } from "@/ui/Empty";
import { ProblemNote } from "@/ui/ProblemNote";
import { Skeleton } from "@/ui/Skeleton";
import { useTitle } from "@/ui/useTitle";
import { type Worker, workersQuery } from "./queries";
import { WorkerCard } from "./WorkerCard";

const MIB = 1024 * 1024;
const sum = (workers: readonly Worker[], of: (worker: Worker) => number) =>
  workers.reduce((total, worker) => total + of(worker), 0);

export function WorkersPage() {
  const { t } = useTranslation("workers");
  useTitle(t("title"));
  const { data: workers, error } = useQuery(workersQuery);
  return (
    <div className="px-6 py-5">
      <header className="mb-4 flex flex-wrap items-baseline gap-x-6 gap-y-1">
        <h1 className="font-semibold text-lg">{t("title")}</h1>
        {workers?.length ? <Totals workers={workers.filter(({ reachable }) => reachable)} /> : null}
      </header>
      {error ? <ProblemNote problem={error} className="mb-4" /> : null}
      {!workers && !error ? (
        <div className="grid gap-4 [grid-template-columns:repeat(auto-fill,minmax(min(30rem,100%),1fr))]">
          <Skeleton className="h-64" />
          <Skeleton className="h-64" />
        </div>
      ) : null}
      {workers?.length === 0 ? (
        <Empty title={t("none")}>
          <p className="max-w-prose">{t("noneHint")}</p>
          <code className="rounded bg-sunken px-3 py-2 text-xs">
            {`TORCHYARD_URL=${location.origin} TORCHYARD_WORKER_TOKEN_FILE=worker-token torchyard worker`}
          </code>
        </Empty>
      ) : null}
      <div className="grid items-start gap-4 [grid-template-columns:repeat(auto-fill,minmax(min(30rem,100%),1fr))]">
        {workers?.map((worker) => (
          <WorkerCard key={worker.id} worker={worker} />
        ))}
      </div>
    </div>
  );
}

function Totals({ workers }: { workers: readonly Worker[] }) {
  const { t } = useTranslation("workers");
  const taken = sum(workers, ({ jobs }) => jobs.flatMap(({ gpus }) => gpus).length);
  return (
    <p className="flex flex-wrap gap-x-4 text-ink-soft">
      <span>{t("total.workers", { count: workers.length })}</span>
      <span>
        {t("total.cpus", {
          free: formatCount(sum(workers, ({ free_cpus }) => free_cpus)),
          all: formatCount(sum(workers, ({ cpus }) => cpus)),
        })}
      </span>
      <span>
        {t("total.memory", {
          free: formatBytes(sum(workers, ({ free_memory_mb }) => free_memory_mb) * MIB),
          all: formatBytes(sum(workers, ({ memory_mb }) => memory_mb) * MIB),
        })}
      </span>
      <span>
        {t("total.gpus", {
          free: sum(workers, ({ gpus }) => gpus.length) - taken,
          all: sum(workers, ({ gpus }) => gpus.length),
        })}
      </span>
    </p>
  );
}
