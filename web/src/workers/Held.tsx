/** The jobs that a worker has now. */
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { formatBytes } from "@/i18n/format";
import { StateIcon } from "@/ui/StateBadge";
import type { Worker } from "./queries";

const MIB = 1024 * 1024;

export function Held({ worker: { jobs, reachable } }: { worker: Worker }) {
  const { t } = useTranslation("workers");
  const { t: tc } = useTranslation();
  if (!jobs.length) return <p className="text-ink-faint text-xs">{t("idle")}</p>;
  return (
    <div>
      <h3 className="mb-1 text-ink-soft text-xs">{t("jobs", { count: jobs.length })}</h3>
      <ul className="space-y-0.5">
        {jobs.map(({ job, name, state, cpus, memory_mb, gpus }) => (
          <li key={job} className="flex items-center gap-1.5">
            <StateIcon state={reachable ? state : "unreachable"} className="size-3.5!" />
            <span className="sr-only">{tc(`state.${reachable ? state : "unreachable"}`)}</span>
            <Link to={`/jobs/${job}`} className="truncate hover:underline">
              {name}
            </Link>
            <span className="ml-auto whitespace-nowrap text-ink-faint text-xs">
              {t("takes", { cpus, memory: formatBytes(memory_mb * MIB) })}
              {gpus.length ? ` · ${t("takesGpus", { count: gpus.length })}` : ""}
            </span>
          </li>
        ))}
      </ul>
    </div>
  );
}
