/** A worker's GPUs, and the job that has each. */
import { Gpu } from "lucide-react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { formatBytes } from "@/i18n/format";
import type { Worker } from "./queries";

const MIB = 1024 * 1024;

export function Gpus({ worker }: { worker: Worker }) {
  const { t } = useTranslation("workers");
  if (!worker.gpus.length) return <p className="text-ink-faint text-xs">{t("gpu.none")}</p>;
  return (
    <ul className="grid gap-2 [grid-template-columns:repeat(auto-fill,minmax(13rem,1fr))]">
      {worker.gpus.map((gpu, at) => {
        const holder = worker.jobs.find(({ gpus }) => gpus.includes(gpu.uuid));
        return (
          <li
            key={gpu.uuid}
            title={gpu.uuid}
            className={`rounded-md border px-2.5 py-1.5 ${holder ? "border-state-running" : "border-line"}`}
          >
            <div className="flex items-center gap-1.5">
              <Gpu aria-hidden className={`size-4 ${holder ? "text-state-running" : "text-ink-faint"}`} />
              <span className="truncate font-medium">{gpu.model}</span>
              <span className="ml-auto whitespace-nowrap text-ink-faint text-xs">
                {t("gpu.at", { number: at, memory: formatBytes(gpu.memory_mb * MIB) })}
              </span>
            </div>
            {holder ? (
              <Link to={`/jobs/${holder.job}`} className="block truncate text-accent text-xs hover:underline">
                {holder.name}
              </Link>
            ) : (
              <span className="text-ink-faint text-xs">{t("gpu.free")}</span>
            )}
          </li>
        );
      })}
    </ul>
  );
}
