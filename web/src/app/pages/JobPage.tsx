/** A job's page: the job's own parts, with the log viewer and the charts in their places. */
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useNavigate, useParams, useSearchParams } from "react-router";
import { api, data } from "@/api/client";
import { JobCharts } from "@/charts/JobCharts";
import { JobView, type LogSlot } from "@/jobs/job/JobView";
import { hasEnded } from "@/jobs/queries";
import { LogViewer } from "@/logs/LogViewer";
import { formatPlace, type Place, parsePlace } from "@/logs/model/links";
import { LogHeading } from "./LogHeading";

export function JobPage() {
  const { id = "" } = useParams();
  const { t } = useTranslation("charts");
  const charts = { id: "charts", label: t("tab"), content: (slot: LogSlot) => <Charts {...slot} /> };
  return <JobView key={id} id={id} logs={(slot) => <Logs {...slot} />} more={[charts]} />;
}

/** A point of a curve leads to the line that it was printed in. */
function Charts({ job, attempt }: LogSlot) {
  const navigate = useNavigate();
  const [params] = useSearchParams();
  const openLine = async (offset: number) => {
    const found = await data(
      api.GET("/api/v1/jobs/{job_id}/logs/{name}/lines", {
        params: { path: { job_id: job.id, name: "stdout.log" }, query: { attempt, offset } },
      }),
    );
    const next = new URLSearchParams(params);
    next.delete("tab");
    const line = found.line ?? 1;
    const hash = formatPlace({ log: "stdout.log", lines: { from: line, to: line, offset } });
    await navigate({ search: next.toString(), hash });
  };
  const live = attempt === job.attempt && !hasEnded(job);
  return (
    <JobCharts jobId={job.id} attempt={attempt} live={live} onOpenLine={(offset) => void openLine(offset)} />
  );
}

/** Chosen lines stand in the address, without a new entry in the history for each. */
function Logs({ job, attempt }: LogSlot) {
  const [initial] = useState(() => parsePlace(location.hash));
  const keep = (place: Place) => history.replaceState(history.state, "", formatPlace(place));
  const heading = <LogHeading id={job.id} attempt={attempt} />;
  return <LogViewer jobId={job.id} attempt={attempt} initial={initial} onPlace={keep} heading={heading} />;
}
