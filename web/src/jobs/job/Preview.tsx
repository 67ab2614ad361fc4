/** A file that a script left, shown: pictures, tables, JSON and text. Anything else is for downloading. */
import { useQuery } from "@tanstack/react-query";
import { Download } from "lucide-react";
import { useTranslation } from "react-i18next";
import { problemOf } from "@/api/client";
import { formatBytes } from "@/i18n/format";
import { Empty } from "@/ui/Empty";
import { ProblemNote } from "@/ui/ProblemNote";
import { Skeleton } from "@/ui/Skeleton";
import { parseCsv, separatorOf } from "../csv";
import type { Artifact, Job } from "../queries";

/** As much of a text as is fetched for a look at it. */
const MOST = 512 * 1024;
const ROWS = 500;

export function urlOf(job: Job, { path, attempt }: Artifact): string {
  const place = path.split("/").map(encodeURIComponent).join("/");
  return `/api/v1/jobs/${job.id}/artifacts/${place}?attempt=${attempt}`;
}

export type ArtifactKind = "picture" | "table" | "json" | "text" | "other";

export function kindOf({ path, preview }: Artifact): ArtifactKind {
  const ending = path.split(".").at(-1)?.toLowerCase() ?? "";
  if (!preview) return "other";
  if (["png", "jpg", "jpeg", "gif", "webp"].includes(ending)) return "picture";
  if (["csv", "tsv"].includes(ending)) return "table";
  return ending === "json" ? "json" : "text";
}

export function Preview({ job, artifact }: { job: Job; artifact: Artifact }) {
  const { t } = useTranslation("jobs");
  const kind = kindOf(artifact);
  if (kind === "other")
    return (
      <Empty title={t("artifact.noPreview", { path: artifact.path })}>
        <a
          href={urlOf(job, artifact)}
          download
          className="inline-flex items-center gap-1.5 rounded-md border border-line-strong px-3 py-1.5 font-medium hover:bg-sunken"
        >
          <Download aria-hidden className="size-4" />
          {t("artifact.get", { size: formatBytes(artifact.size) })}
        </a>
      </Empty>
    );
  if (kind === "picture")
    return (
      <div className="grid min-h-full place-items-center bg-sunken p-4">
        <img
          src={`${urlOf(job, artifact)}&preview=true`}
          alt={artifact.path}
          className="max-w-full bg-white shadow-sm"
        />
      </div>
    );
  return <TextPreview job={job} artifact={artifact} kind={kind} />;
}

interface TextProps {
  job: Job;
  artifact: Artifact;
  kind: "table" | "json" | "text";
}

function TextPreview({ job, artifact, kind }: TextProps) {
  const { t } = useTranslation("jobs");
  const url = urlOf(job, artifact);
  const { data: text, error } = useQuery({
    queryKey: ["artifact", url],
    staleTime: Number.POSITIVE_INFINITY,
    queryFn: async () => {
      if (!artifact.size) return "";
      const answer = await fetch(url, { headers: { Range: `bytes=0-${MOST - 1}` } });
      if (!answer.ok) throw await problemOf(answer);
      return answer.text();
    },
  });
  if (error) return <ProblemNote problem={error} className="m-4" />;
  if (text === undefined) return <Skeleton className="m-4 h-64" />;
  if (!text) return <Empty title={t("artifact.empty", { path: artifact.path })} />;
  const cut = artifact.size > MOST;
  return (
    <div>
      {kind === "table" ? <Csv text={text} /> : null}
      {kind === "table" ? null : (
        <pre className="whitespace-pre-wrap p-4 font-mono text-xs [overflow-wrap:anywhere]">
          {kind === "json" ? pretty(text) : text}
        </pre>
      )}
      {cut ? (
        <p className="px-4 pb-4 text-ink-soft">
          {t("artifact.cut", { shown: formatBytes(MOST), size: formatBytes(artifact.size) })}
        </p>
      ) : null}
    </div>
  );
}

function pretty(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}

function Csv({ text }: { text: string }) {
  const { t } = useTranslation("jobs");
  const { rows, cut } = parseCsv(text, separatorOf(text), ROWS + 1);
  const [head = [], ...body] = rows;
  return (
    <>
      <table className="border-separate border-spacing-0 text-xs">
        <thead className="sticky top-0 bg-raised text-left">
          <tr>
            <th className="border-line border-b px-2 py-1.5 text-right font-normal text-ink-faint">{"#"}</th>
            {head.map((cell, column) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: columns have no other identity than their place
              <th key={column} className="whitespace-nowrap border-line border-b px-3 py-1.5 font-medium">
                {cell}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {body.map((row, at) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: rows have no other identity than their place
            <tr key={at} className="hover:bg-sunken">
              <td className="border-line border-b px-2 py-1 text-right text-ink-faint">{at + 1}</td>
              {row.map((cell, column) => (
                <td
                  // biome-ignore lint/suspicious/noArrayIndexKey: as above
                  key={column}
                  className="max-w-96 truncate border-line border-b px-3 py-1 font-mono"
                  title={cell.length > 40 ? cell : undefined}
                >
                  {cell}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
      {cut ? <p className="p-3 text-ink-soft">{t("artifact.rows", { count: ROWS })}</p> : null}
    </>
  );
}
