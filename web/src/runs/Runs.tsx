/** All runs, or those of one workflow. */
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Link, useSearchParams } from "react-router";
import { api, data, type Schema } from "@/api/client";
import { Select } from "@/ui/Field";
import { useTitle } from "@/ui/useTitle";
import { RunsTable } from "./RunsTable";
import { SweepTable } from "./SweepTable";

const STATES = ["queued", "running", "succeeded", "failed", "cancelled"] as const;

export function Runs({ workflow }: { workflow?: string }) {
  const { t } = useTranslation(["runs", "common"]);
  const [search] = useSearchParams();
  const sweep = search.get("sweep") ?? undefined;
  const [state, setState] = useState<Schema<"RunState"> | "">("");
  const { data: known } = useQuery({
    queryKey: ["workflow-name", workflow],
    queryFn: () =>
      data(api.GET("/api/v1/workflows/{workflow_id}", { params: { path: { workflow_id: workflow ?? "" } } })),
    enabled: Boolean(workflow),
    staleTime: 60_000,
  });
  useTitle(workflow && known ? `${known.name} · ${t("title")}` : t("title"));
  return (
    <div className="mx-auto flex max-w-[110rem] flex-col gap-3 p-6">
      <header className="flex flex-wrap items-center gap-3">
        <h1 className="mr-auto font-semibold text-lg">
          {workflow ? (
            <>
              <Link to={`/workflows/${workflow}`} className="text-accent hover:underline">
                {known?.name ?? "…"}
              </Link>{" "}
              · {t("title")}
            </>
          ) : (
            t("title")
          )}
        </h1>
        <Select
          className="w-40!"
          aria-label={t("column.state")}
          value={state}
          onChange={(event) => setState(event.target.value as typeof state)}
        >
          <option value="">{t("allStates")}</option>
          {STATES.map((one) => (
            <option key={one} value={one}>
              {t(`common:state.${one}`)}
            </option>
          ))}
        </Select>
      </header>
      {sweep ? <SweepTable id={sweep} /> : null}
      <RunsTable
        {...(workflow ? { workflow } : {})}
        {...(sweep ? { sweep } : {})}
        states={state ? [state] : []}
      />
    </div>
  );
}
