/** The results of a sweep: values and metrics, one line a run. */
import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { api, data } from "@/api/client";
import { formatDuration, formatNumber } from "@/i18n/format";
import { type Run, runEnded } from "@/live/run";
import { type State, StateBadge } from "@/ui/StateBadge";

const OFTEN = 2_000;
/** Runs that have ended may be resumed. */
const SELDOM = 15_000;

export function SweepTable({ id }: { id: string }) {
  const { t } = useTranslation("runs");
  const { data: sweep } = useQuery({
    queryKey: ["sweep", id],
    queryFn: () => data(api.GET("/api/v1/sweeps/{sweep_id}", { params: { path: { sweep_id: id } } })),
    refetchInterval: ({ state }) =>
      state.data?.results.every((one) => runEnded(one as Pick<Run, "state">)) ? SELDOM : OFTEN,
  });
  if (!sweep) return null;
  const names = Object.keys(sweep.parameters);
  const metrics = [
    ...new Set(
      sweep.results.flatMap((one) =>
        Object.entries(one.metrics).flatMap(([node, numbers]) =>
          Object.keys(numbers).map((key) => `${node}.${key}`),
        ),
      ),
    ),
  ];
  return (
    <section className="overflow-auto rounded-lg border border-line bg-surface">
      <h2 className="px-3 py-2 font-semibold">{sweep.name || t("sweep.title", { count: sweep.runs })}</h2>
      <table className="w-full text-left">
        <thead className="text-ink-faint text-xs">
          <tr className="[&>th]:px-3 [&>th]:py-1 [&>th]:font-normal">
            <th>{t("column.run")}</th>
            {names.map((name) => (
              <th key={name} className="font-mono">
                {name}
              </th>
            ))}
            <th>{t("column.state")}</th>
            <th>{t("column.took")}</th>
            {metrics.map((name) => (
              <th key={name}>{name}</th>
            ))}
          </tr>
        </thead>
        <tbody>
          {sweep.results.map((one) => (
            <tr key={one.run} className="border-line border-t [&>td]:px-3 [&>td]:py-1">
              <td>
                <Link to={`/runs/${one.run}`} className="text-accent hover:underline">
                  #{one.number}
                </Link>
              </td>
              {names.map((name) => (
                <td key={name} className="font-mono text-xs">
                  {String(one.parameters[name] ?? "")}
                </td>
              ))}
              <td>
                <StateBadge state={one.state as State} />
              </td>
              <td className="tabular-nums">{one.seconds ? formatDuration(one.seconds) : ""}</td>
              {metrics.map((name) => {
                const at = name.indexOf(".");
                const value = one.metrics[name.slice(0, at)]?.[name.slice(at + 1)];
                return (
                  <td key={name} className="tabular-nums">
                    {value === undefined ? "" : formatNumber(value, 5)}
                  </td>
                );
              })}
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}
