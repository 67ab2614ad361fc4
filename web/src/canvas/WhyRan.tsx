/** Why a node ran, or was reused: field by field against its last success. */
import { useQuery } from "@tanstack/react-query";
import clsx from "clsx";
import { useTranslation } from "react-i18next";
import { api, data } from "@/api/client";
import { fieldOf, sentenceOf } from "@/i18n/said";
import type { State } from "@/ui/StateBadge";

const ANSWERED = new Set<State>(["succeeded", "reused", "failed", "running", "up_to_date", "stale"]);

export function WhyRan({ run, node, state }: { run: string; node: string; state: State }) {
  const { t } = useTranslation("canvas");
  const { data: answer } = useQuery({
    queryKey: ["run", run, "explain", node],
    queryFn: () =>
      data(
        api.GET("/api/v1/runs/{run_id}/nodes/{name}/explain", {
          params: { path: { run_id: run, name: node } },
        }),
      ),
    enabled: ANSWERED.has(state),
    staleTime: 30_000,
  });
  if (!answer) return null;
  return (
    <section>
      <h3 className="font-medium">{t("why.title")}</h3>
      <p className="text-ink-soft">{sentenceOf(answer)}</p>
      {answer.components.length ? (
        <table className="mt-2 w-full max-w-4xl text-left text-xs">
          <thead className="text-ink-faint">
            <tr>
              <th className="py-0.5 pr-4 font-normal">{t("why.field")}</th>
              <th className="pr-4 font-normal">{t("why.before")}</th>
              <th className="font-normal">{t("why.after")}</th>
            </tr>
          </thead>
          <tbody>
            {answer.components.map((one) => (
              <tr
                key={one.field}
                className={clsx("border-line border-t align-top", one.changed && "bg-warning-soft")}
              >
                <td className={clsx("py-0.5 pr-4", !one.saying && "font-mono")}>
                  {fieldOf(one)}
                  {one.changed ? (
                    <span className="ml-2 font-sans text-warning">{t("why.changed")}</span>
                  ) : null}
                </td>
                <td className="max-w-64 truncate pr-4 font-mono" title={one.before ?? ""}>
                  {one.before ?? "∅"}
                </td>
                <td className="max-w-64 truncate font-mono" title={one.after ?? ""}>
                  {one.after ?? "∅"}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      ) : null}
    </section>
  );
}
