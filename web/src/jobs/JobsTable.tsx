/** The rows of the list. Arrows walk, Space chooses, Enter opens. */
import { type KeyboardEvent, memo } from "react";
import { useTranslation } from "react-i18next";
import { Link, useNavigate } from "react-router";
import { formatDuration, formatMoment } from "@/i18n/format";
import { StateBadge } from "@/ui/StateBadge";
import { useNow } from "@/ui/useNow";
import { hasEnded, type Job, stateOf } from "./queries";
import { Standing } from "./Standing";

interface TableProps {
  jobs: readonly Job[];
  chosen: ReadonlySet<string>;
  onChoose: (chosen: ReadonlySet<string>) => void;
}

export function JobsTable({ jobs, chosen, onChoose }: TableProps) {
  const { t } = useTranslation("jobs");
  const navigate = useNavigate();
  const all = jobs.length > 0 && jobs.every(({ id }) => chosen.has(id));
  const toggle = (id: string) => {
    const next = new Set(chosen);
    if (!next.delete(id)) next.add(id);
    onChoose(next);
  };
  const walk = (event: KeyboardEvent<HTMLTableSectionElement>) => {
    const row = (event.target as HTMLElement).closest("tr");
    const id = row?.dataset["job"];
    if (!row || !id || event.target !== row) return;
    const step = { ArrowDown: 1, j: 1, ArrowUp: -1, k: -1 }[event.key];
    const next = step && (step > 0 ? row.nextElementSibling : row.previousElementSibling);
    if (next instanceof HTMLElement) next.focus();
    if (event.key === " " || event.key === "x") toggle(id);
    if (event.key === "Enter") void navigate(`/jobs/${id}`);
    if (step || event.key === " ") event.preventDefault();
  };
  return (
    <table className="w-full table-fixed border-separate border-spacing-0">
      <thead className="sticky top-0 z-10 bg-page text-left text-ink-faint text-xs">
        <tr>
          <th className="w-9 border-line border-b py-1.5 pl-2">
            <input
              type="checkbox"
              aria-label={t("chooseAll")}
              className="size-4 align-middle accent-(--accent)"
              checked={all}
              onChange={() => onChoose(all ? new Set() : new Set(jobs.map(({ id }) => id)))}
            />
          </th>
          <th className="w-36 border-line border-b py-1.5 font-normal max-lg:w-28">{t("column.state")}</th>
          <th className="border-line border-b py-1.5 font-normal">{t("column.job")}</th>
          <th className="w-28 border-line max-lg:hidden border-b py-1.5 font-normal">{t("column.owner")}</th>
          <th className="w-32 border-line max-lg:hidden border-b py-1.5 font-normal">{t("column.worker")}</th>
          <th className="w-44 border-line max-lg:w-36 border-b py-1.5 font-normal">{t("column.created")}</th>
          <th className="w-24 border-line border-b py-1.5 pr-2 text-right font-normal">
            {t("column.duration")}
          </th>
        </tr>
      </thead>
      <tbody onKeyDown={walk}>
        {jobs.map((job) => (
          <Row key={job.id} job={job} chosen={chosen.has(job.id)} onToggle={toggle} />
        ))}
      </tbody>
    </table>
  );
}

interface RowProps {
  job: Job;
  chosen: boolean;
  onToggle: (id: string) => void;
}

const Row = memo(
  function Row({ job, chosen, onToggle }: RowProps) {
    const { t } = useTranslation("jobs");
    return (
      <tr
        data-job={job.id}
        tabIndex={0}
        aria-selected={chosen}
        className="group h-11 align-middle hover:bg-surface aria-selected:bg-accent-soft"
      >
        <td className="border-line border-b pl-2">
          <input
            type="checkbox"
            aria-label={t("choose", { name: job.name })}
            className="size-4 align-middle accent-(--accent)"
            checked={chosen}
            onChange={() => onToggle(job.id)}
          />
        </td>
        <td className="border-line border-b">
          <StateBadge state={stateOf(job)} />
        </td>
        <td className="border-line border-b py-1.5 pr-4">
          <div className="flex min-w-0 items-baseline gap-2">
            <Link to={`/jobs/${job.id}`} className="truncate font-medium hover:underline" tabIndex={-1}>
              {job.name}
            </Link>
            {job.attempt > 1 ? (
              <span className="whitespace-nowrap text-ink-faint text-xs">
                {t("attemptNumber", { number: job.attempt })}
              </span>
            ) : null}
            {job.spec.arguments ? (
              <span className="min-w-0 truncate font-mono text-ink-faint text-xs">{job.spec.arguments}</span>
            ) : null}
          </div>
          <Standing job={job} />
        </td>
        <td className="truncate border-line border-b pr-2 max-lg:hidden">{job.owner}</td>
        <td className="truncate border-line border-b pr-2 text-ink-soft max-lg:hidden">{job.worker ?? ""}</td>
        <td className="whitespace-nowrap border-line border-b text-ink-soft">
          {formatMoment(job.created_at)}
        </td>
        <td className="whitespace-nowrap border-line border-b pr-2 text-right font-mono text-xs">
          <RunTime job={job} />
        </td>
      </tr>
    );
  },
  (one, other) => one.chosen === other.chosen && one.onToggle === other.onToggle && one.job === other.job,
);

/** Of the latest attempt's script. */
export function RunTime({ job }: { job: Job }) {
  const now = useNow(1_000, !hasEnded(job) && job.started_at !== null && job.started_at !== undefined);
  if (!job.started_at) return null;
  const end = job.finished_at ? Date.parse(job.finished_at) : now;
  return formatDuration(Math.max(0, end - Date.parse(job.started_at)) / 1000);
}
