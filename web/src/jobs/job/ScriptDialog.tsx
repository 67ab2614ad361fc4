/** One of the user's own files, as this job ran it, with a line marked. */
import { useQuery } from "@tanstack/react-query";
import { Download } from "lucide-react";
import { useTranslation } from "react-i18next";
import { CodeEditor } from "@/editor/CodeEditor";
import { Dialog } from "@/ui/Dialog";
import { ProblemNote } from "@/ui/ProblemNote";
import { Skeleton } from "@/ui/Skeleton";
import type { Job } from "../queries";
import { sourceQuery } from "./source";

export interface Place {
  file: string;
  line?: number;
}

export function ScriptDialog({ job, place, onClose }: { job: Job; place: Place; onClose: () => void }) {
  const { t } = useTranslation("jobs");
  const { data: text, error } = useQuery(sourceQuery(job, place.file));
  const title = place.line ? t("script.atLine", { file: place.file, line: place.line }) : place.file;
  return (
    <Dialog
      open
      wide
      onClose={onClose}
      title={title}
      description={t("script.asRun")}
      actions={
        text === undefined ? null : (
          <a
            download={place.file.split("/").at(-1)}
            href={`data:text/x-python;charset=utf-8,${encodeURIComponent(text)}`}
            className="inline-flex h-8 items-center gap-1.5 rounded-md border border-line-strong px-3 font-medium hover:bg-sunken"
          >
            <Download aria-hidden className="size-4" />
            {t("script.download")}
          </a>
        )
      }
    >
      {error ? <ProblemNote problem={error} /> : null}
      {text === undefined && !error ? <Skeleton className="h-[60vh]" /> : null}
      {text === undefined ? null : (
        <CodeEditor className="h-[65vh]" label={title} value={text} markLine={place.line} />
      )}
    </Dialog>
  );
}
