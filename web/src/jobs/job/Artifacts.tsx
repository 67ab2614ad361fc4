/** What an attempt left: a list, and a look at what can be shown. */
import { useQuery } from "@tanstack/react-query";
import { Download, File, FileArchive, FileImage, FileJson, FileSpreadsheet, FileText } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { formatBytes } from "@/i18n/format";
import { Empty } from "@/ui/Empty";
import { ProblemNote } from "@/ui/ProblemNote";
import { Skeleton } from "@/ui/Skeleton";
import { type Artifact, artifactsQuery, hasEnded, type Job } from "../queries";
import { kindOf, Preview, urlOf } from "./Preview";

const ICONS = {
  picture: FileImage,
  table: FileSpreadsheet,
  json: FileJson,
  text: FileText,
  other: File,
};

export function Artifacts({ job, attempt }: { job: Job; attempt: number }) {
  const { t } = useTranslation("jobs");
  const { data: all, error } = useQuery(artifactsQuery(job.id));
  const [chosen, setChosen] = useState<string>();
  if (error) return <ProblemNote problem={error} className="m-4" />;
  if (!all) return <Skeleton className="m-4 h-40" />;
  const found = all.filter((artifact) => artifact.attempt === attempt);
  if (!found.length) return <Empty title={hasEnded(job) ? t("artifact.none") : t("artifact.later")} />;
  const shown = found.find(({ path }) => path === chosen) ?? found.find(({ preview }) => preview) ?? found[0];
  return (
    <div className="flex min-h-0 flex-1">
      <div className="flex w-80 shrink-0 flex-col border-line border-r">
        <ul className="min-h-0 flex-1 overflow-auto py-1">
          {found.map((artifact) => (
            <li key={artifact.path}>
              <Entry
                artifact={artifact}
                job={job}
                chosen={artifact.path === shown?.path}
                onChoose={() => setChosen(artifact.path)}
              />
            </li>
          ))}
        </ul>
        <a
          href={`/api/v1/jobs/${job.id}/artifacts.zip?attempt=${attempt}`}
          download
          className="flex items-center gap-1.5 border-line border-t px-3 py-2 font-medium text-accent hover:underline"
        >
          <FileArchive aria-hidden className="size-4" />
          {t("artifact.all", {
            count: found.length,
            size: formatBytes(found.reduce((sum, { size }) => sum + size, 0)),
          })}
        </a>
      </div>
      <div className="min-w-0 flex-1 overflow-auto">
        {shown ? <Preview key={shown.path} job={job} artifact={shown} /> : null}
      </div>
    </div>
  );
}

interface EntryProps {
  artifact: Artifact;
  job: Job;
  chosen: boolean;
  onChoose: () => void;
}

function Entry({ artifact, job, chosen, onChoose }: EntryProps) {
  const { t } = useTranslation("jobs");
  const Icon = ICONS[kindOf(artifact)];
  return (
    <div className={`flex items-center gap-1 pr-1 hover:bg-sunken ${chosen ? "bg-sunken" : ""}`}>
      <button
        type="button"
        aria-pressed={chosen}
        className="flex min-w-0 flex-1 items-center gap-2 py-1.5 pl-3 text-left"
        onClick={onChoose}
      >
        <Icon aria-hidden className="size-4 shrink-0 text-ink-faint" />
        <span className="min-w-0 flex-1 truncate" title={artifact.path}>
          {artifact.path}
        </span>
        <span className="whitespace-nowrap text-ink-faint text-xs">{formatBytes(artifact.size)}</span>
      </button>
      <a
        href={urlOf(job, artifact)}
        download
        aria-label={t("artifact.download", { path: artifact.path })}
        className="rounded p-1.5 text-ink-soft hover:text-ink"
      >
        <Download aria-hidden className="size-4" />
      </a>
    </div>
  );
}
