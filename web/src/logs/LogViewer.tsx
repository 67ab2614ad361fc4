/** A job's logs. The same in the editor's dock, on the job's page, and by itself. */
import "./view/logs.css";
import { useQueryClient } from "@tanstack/react-query";
import clsx from "clsx";
import { type KeyboardEvent, type ReactNode, useCallback, useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import type { Schema } from "@/api/client";
import { formatCount } from "@/i18n/format";
import { ProblemNote } from "@/ui/ProblemNote";
import { Skeleton } from "@/ui/Skeleton";
import { Tabs } from "@/ui/Tabs";
import { type LineRange, LOGS, type LogName, type Place } from "./model/links";
import { logUrl } from "./model/source";
import { latestAttempt, useAttempts, useEvents, useTracebacks } from "./queries";
import { ErrorsTab } from "./view/ErrorsTab";
import { OpenLog, type Panel } from "./view/OpenLog";
import { Status } from "./view/Status";
import { Toolbar } from "./view/Toolbar";
import { useKept } from "./view/useKept";
import { useLogSession } from "./view/useLogSession";

export type LogTab = LogName | "errors";

export interface LogViewerProps {
  jobId: string;
  /** Which attempt; the latest one, also one that begins meanwhile, if left out. */
  attempt?: number | undefined;
  /** What to show at first: a tab, or a place in a log. */
  initial?: LogTab | Place | undefined;
  /** Told when another tab is looked at. */
  onTab?: ((tab: LogTab) => void) | undefined;
  /** Told when lines are chosen, to be put into the page's address: `formatPlace` writes it. */
  onPlace?: ((place: Place) => void) | undefined;
  /** Whether it is all there is on the page. */
  alone?: boolean;
  /** Whose logs these are; shown above them while they take the whole screen. */
  heading?: ReactNode;
  className?: string;
}

export function LogViewer(props: LogViewerProps) {
  const attempts = useAttempts(props.jobId);
  const latest = latestAttempt(attempts.data);
  const attempt = props.attempt ?? latest?.number;
  if (attempts.error) return <ProblemNote problem={attempts.error} className="m-3" />;
  if (attempt === undefined) return <Skeleton className="m-3 h-40" />;
  const state = attempts.data?.find((one) => one.number === attempt)?.state;
  return <Attempt key={`${props.jobId} ${attempt}`} {...props} attempt={attempt} state={state} />;
}

function Attempt(props: LogViewerProps & { attempt: number; state: Schema<"Attempt">["state"] | undefined }) {
  const { jobId, attempt, initial, onTab, onPlace, alone = false, heading, className } = props;
  const { t } = useTranslation("logs");
  const queries = useQueryClient();
  const place = typeof initial === "object" ? initial : undefined;
  const [tab, setTab] = useState<LogTab>(
    place?.log ?? (typeof initial === "string" ? initial : "stdout.log"),
  );
  const [first, setFirst] = useState<LineRange | number | undefined>(place?.lines);
  const [chosen, setChosen] = useState<LineRange | undefined>(place?.lines);
  // How it stood when it was first known: what fails later is followed to its end.
  const [found, setFound] = useState(props.state);
  if (!found && props.state) setFound(props.state);
  const failed = found === "failed" && !place?.lines;
  const [wrap, setWrap] = useKept("torchyard.logs.wrap", false);
  const [times, setTimes] = useKept("torchyard.logs.times", false);
  const [panel, setPanel] = useState<Panel>();
  const [full, setFull] = useState(false);
  const name = tab === "errors" ? "stdout.log" : tab;
  const session = useLogSession(jobId, attempt, name);
  const ended = session?.state === "ended";
  const tracebacks = useTracebacks(jobId, attempt, !ended);
  const events = useEvents(jobId, attempt, !ended);
  const total = tracebacks.data?.total ?? 0;
  const firstTraceback = tracebacks.data?.tracebacks[0]?.offset;

  useEffect(() => {
    // The last word on the job, and perhaps the next attempt.
    if (ended) void queries.invalidateQueries({ queryKey: ["logs", jobId] });
  }, [ended, queries, jobId]);

  const choose = useCallback(
    (lines: LineRange | undefined) => {
      setChosen(lines);
      onPlace?.({ log: name, lines });
    },
    [name, onPlace],
  );
  const open = (next: LogTab, lines?: LineRange) => {
    setTab(next);
    setFirst(lines);
    setChosen(lines);
    onTab?.(next);
    if (next !== "errors") onPlace?.({ log: next, lines });
  };
  const download = () => {
    const link = document.createElement("a");
    link.href = logUrl({ job: jobId, attempt, name });
    link.download = name;
    link.click();
  };
  const keys = (event: KeyboardEvent) => {
    const typing = event.target instanceof HTMLInputElement;
    if (typing || event.ctrlKey || event.metaKey || event.altKey) return;
    const leave = panel ? () => setPanel(undefined) : full ? () => setFull(false) : undefined;
    const acts: Record<string, () => void> = {
      t: () => setTimes(!times),
      w: () => setWrap(!wrap),
      "/": () => {
        setPanel("search");
        event.currentTarget.querySelector<HTMLElement>("search input")?.focus();
      },
      g: () => setPanel("goto"),
      d: download,
      f: () => !alone && setFull(!full),
    };
    const act = event.key === "Escape" ? leave : acts[event.key];
    if (!act || (tab === "errors" && event.key !== "f" && event.key !== "Escape")) return;
    event.preventDefault();
    event.stopPropagation();
    act();
  };

  const start = first ?? (failed && name === "stdout.log" ? firstTraceback : undefined);
  const label = (one: LogTab) =>
    one === "errors" ? (total ? t("errors.tab", { shown: formatCount(total) }) : t("errors.tabEmpty")) : one;
  const order: readonly LogTab[] = ["stdout.log", "errors", ...LOGS.slice(1)];
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: keys of what is inside
    <div
      onKeyDown={keys}
      className={clsx("flex min-h-0 flex-1 flex-col bg-surface", full && "fixed inset-0 z-40", className)}
    >
      {full ? heading : null}
      <Tabs
        label={t("label")}
        value={tab}
        onChange={open}
        tabs={order.map((one) => ({ id: one, label: label(one) }))}
        aside={
          <>
            {session ? <Status session={session} /> : null}
            <Toolbar
              {...{ wrap, setWrap, times, setTimes, panel, setPanel, full, setFull, alone, download, chosen }}
              disabled={tab === "errors"}
              job={jobId}
              attempt={attempt}
              name={name}
            />
          </>
        }
      >
        {tab === "errors" ? (
          <ErrorsTab
            tracebacks={tracebacks.data}
            events={events.data}
            problem={tracebacks.error ?? events.error}
            onTraceback={(one) => open("stdout.log", { from: one.line, to: one.line, offset: one.offset })}
            onEvent={(one) => open("system.log", { from: one.seq, to: one.seq, offset: undefined })}
          />
        ) : session && session.source.name === name ? (
          <OpenLog
            key={name}
            {...{ session, name, wrap, panel, setPanel, chosen }}
            times={times && name === "stdout.log"}
            first={start}
            marks={name === "stdout.log" ? (tracebacks.data?.tracebacks.map((one) => one.offset) ?? []) : []}
            onChoose={choose}
            autoFocus={alone}
          />
        ) : (
          <Skeleton className="m-3 h-40" />
        )}
      </Tabs>
    </div>
  );
}
