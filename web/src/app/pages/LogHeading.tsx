/** Whose logs these are, where they are all that is to be seen. */
import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { jobQuery } from "@/jobs/queries";
import { useTitle } from "@/ui/useTitle";

export function LogHeading({ id, attempt }: { id: string; attempt?: number | undefined }) {
  const { t } = useTranslation("logs");
  const { t: tj } = useTranslation("jobs");
  const { data: job } = useQuery(jobQuery(id));
  useTitle(`${t("title")} · ${job?.name ?? id.slice(0, 8)}`);
  return (
    <header className="flex items-baseline gap-3 border-line border-b bg-surface px-4 py-2">
      <h1 className="flex min-w-0 items-baseline gap-2 font-medium">
        <span className="shrink-0 text-ink-soft">{t("title")}</span>
        <Link to={`/jobs/${id}`} className="truncate text-accent underline">
          {job?.name ?? id.slice(0, 8)}
        </Link>
      </h1>
      {job?.run ? (
        <Link to={`/runs/${job.run}`} className="shrink-0 text-accent text-xs underline">
          {tj("fact.node", { node: job.node })}
        </Link>
      ) : null}
      {attempt && job && job.attempt > 1 ? (
        <span className="shrink-0 text-ink-soft text-xs">{t("attempt", { number: attempt })}</span>
      ) : null}
      <span className="ml-auto shrink-0 font-mono text-ink-faint text-xs">{id.slice(0, 8)}</span>
    </header>
  );
}
