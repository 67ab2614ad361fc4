/** When the workflow runs by itself, with the next times it would. */

import { keepPreviousData, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { History } from "lucide-react";
import { useDeferredValue, useState } from "react";
import { useTranslation } from "react-i18next";
import { body } from "@/api/body";
import { ApiProblem, api, data, type Schema } from "@/api/client";
import { formatInZone, formatMoment } from "@/i18n/format";
import { messageOf } from "@/i18n/said";
import { Button } from "@/ui/Button";
import { Dialog } from "@/ui/Dialog";
import { Checkbox, Field, Select, TextInput } from "@/ui/Field";
import { ProblemNote } from "@/ui/ProblemNote";
import { Skeleton } from "@/ui/Skeleton";
import { useEditor } from "../context";
import { BackfillDialog } from "./BackfillDialog";

type Schedule = Schema<"Schedule">;
const PRESETS = ["0 * * * *", "0 2 * * *", "0 8 * * 1-5", "0 3 * * 0", "0 4 1 * *"] as const;
const OVERLAPS = ["skip", "queue", "cancel_old"] as const;

export function ScheduleDialog({ workflow, onClose }: { workflow: string; onClose: () => void }) {
  const { t } = useTranslation("canvas");
  const path = { params: { path: { workflow_id: workflow } } };
  const query = useQuery({
    queryKey: ["schedule", workflow],
    queryFn: async () => {
      try {
        return await data(api.GET("/api/v1/workflows/{workflow_id}/schedule", path));
      } catch (problem) {
        if (problem instanceof ApiProblem && problem.status === 404) return null;
        throw problem;
      }
    },
  });
  if (query.data === undefined) {
    return (
      <Dialog open onClose={onClose} title={t("schedule.title")}>
        {query.isError ? <ProblemNote problem={query.error} /> : <Skeleton className="h-40" />}
      </Dialog>
    );
  }
  return <Form workflow={workflow} schedule={query.data} onClose={onClose} />;
}

function Form({
  workflow,
  schedule,
  onClose,
}: {
  workflow: string;
  schedule: Schedule | null;
  onClose: () => void;
}) {
  const { t } = useTranslation(["canvas", "common"]);
  const queries = useQueryClient();
  const zone = useEditor((state) => state.history.graph.settings.time_zone ?? "UTC");
  const [cron, setCron] = useState(schedule?.cron ?? "0 2 * * *");
  const [overlap, setOverlap] = useState<Schedule["overlap"]>(schedule?.overlap ?? "skip");
  const [paused, setPaused] = useState(schedule?.paused ?? false);
  const [startsAt, setStartsAt] = useState(schedule?.starts_at?.slice(0, 10) ?? "");
  const [endsAt, setEndsAt] = useState(schedule?.ends_at?.slice(0, 10) ?? "");
  const [filling, setFilling] = useState(false);
  const path = { params: { path: { workflow_id: workflow } } };
  const times = {
    cron: cron.trim(),
    time_zone: schedule?.time_zone ?? zone,
    ...(startsAt ? { starts_at: startsAt } : {}),
    ...(endsAt ? { ends_at: endsAt } : {}),
  };
  const preview = usePreview(times);
  const done = () => {
    void queries.invalidateQueries({ queryKey: ["schedule", workflow] });
    void queries.invalidateQueries({ queryKey: ["workflows"] });
    onClose();
  };
  const save = useMutation({
    mutationFn: () =>
      data(
        api.PUT("/api/v1/workflows/{workflow_id}/schedule", {
          ...path,
          body: body({ ...times, overlap, paused, parameters: schedule?.parameters ?? {} }),
        }),
      ),
    onSuccess: done,
  });
  const remove = useMutation({
    mutationFn: () => api.DELETE("/api/v1/workflows/{workflow_id}/schedule", path),
    onSuccess: done,
  });
  const problem = save.error ?? remove.error;
  return (
    <Dialog
      open
      onClose={onClose}
      title={t("schedule.title")}
      description={t("schedule.hint", { zone: times.time_zone })}
      actions={
        <>
          {schedule ? (
            <Button
              kind="danger"
              className="mr-auto"
              disabled={remove.isPending}
              onClick={() => remove.mutate()}
            >
              {t("schedule.remove")}
            </Button>
          ) : null}
          <Button onClick={onClose}>{t("common:action.cancel")}</Button>
          <Button kind="primary" disabled={save.isPending || preview.isError} onClick={() => save.mutate()}>
            {t("common:action.save")}
          </Button>
        </>
      }
    >
      <div className="space-y-4">
        <Field label={t("schedule.often")}>
          {(control) => (
            <Select
              {...control}
              value={PRESETS.some((one) => one === cron) ? cron : ""}
              onChange={(event) => event.target.value && setCron(event.target.value)}
            >
              {PRESETS.map((one) => (
                <option key={one} value={one}>
                  {t(`schedule.presets.${PRESETS.indexOf(one) as 0}`)}
                </option>
              ))}
              <option value="">{t("schedule.own")}</option>
            </Select>
          )}
        </Field>
        <Field
          label={t("schedule.cron")}
          hint={t("schedule.cronHint")}
          error={preview.isError ? messageOf(preview.error) : undefined}
        >
          {(control) => (
            <TextInput
              {...control}
              className="font-mono"
              value={cron}
              onChange={(event) => setCron(event.target.value)}
            />
          )}
        </Field>
        <section aria-live="polite" className="rounded-md border border-line bg-sunken p-3">
          <h3 className="mb-1 text-ink-faint text-xs">{t("schedule.next")}</h3>
          {preview.data?.next.length ? (
            <ol className="space-y-0.5 tabular-nums">
              {preview.data.next.map((time) => (
                <li key={time}>{formatInZone(time, preview.data.time_zone)}</li>
              ))}
            </ol>
          ) : (
            <p>{preview.data ? t("schedule.never") : "…"}</p>
          )}
        </section>
        <div className="grid grid-cols-2 gap-4">
          <Field label={t("schedule.from")}>
            {(control) => (
              <TextInput
                {...control}
                type="date"
                value={startsAt}
                onChange={(event) => setStartsAt(event.target.value)}
              />
            )}
          </Field>
          <Field label={t("schedule.to")}>
            {(control) => (
              <TextInput
                {...control}
                type="date"
                value={endsAt}
                onChange={(event) => setEndsAt(event.target.value)}
              />
            )}
          </Field>
        </div>
        <Field label={t("schedule.overlap")}>
          {(control) => (
            <Select
              {...control}
              value={overlap}
              onChange={(event) => setOverlap(event.target.value as Schedule["overlap"])}
            >
              {OVERLAPS.map((one) => (
                <option key={one} value={one}>
                  {t(`schedule.overlaps.${one}`)}
                </option>
              ))}
            </Select>
          )}
        </Field>
        <Checkbox
          label={t("schedule.paused")}
          checked={paused}
          onChange={(event) => setPaused(event.target.checked)}
        />
        {schedule?.last_at ? (
          <p className="text-ink-faint text-xs">
            {t("schedule.last", { at: formatMoment(schedule.last_at), result: schedule.last_result ?? "" })}
          </p>
        ) : null}
        <div className="flex items-center gap-3 border-line border-t pt-4">
          <p className="min-w-0 flex-1 text-ink-soft text-xs">{t("backfill.what")}</p>
          <Button onClick={() => setFilling(true)}>
            <History aria-hidden className="size-4" />
            {t("backfill.open")}
          </Button>
        </div>
        {problem ? <ProblemNote problem={problem} /> : null}
        {filling ? (
          <BackfillDialog
            workflow={workflow}
            scheduled={schedule !== null}
            onClose={() => setFilling(false)}
          />
        ) : null}
      </div>
    </Dialog>
  );
}

function usePreview(times: { cron: string; time_zone: string; starts_at?: string; ends_at?: string }) {
  const asked = useDeferredValue(JSON.stringify(times));
  return useQuery({
    queryKey: ["schedule-preview", asked],
    queryFn: () => data(api.POST("/api/v1/schedules/preview", { body: body(JSON.parse(asked) as object) })),
    placeholderData: keepPreviousData,
    retry: false,
  });
}
