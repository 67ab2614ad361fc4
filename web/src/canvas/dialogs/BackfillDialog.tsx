/** Runs for times that have passed: which there would be is shown before they are made. */
import { keepPreviousData, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { History } from "lucide-react";
import { useDeferredValue, useState } from "react";
import { useTranslation } from "react-i18next";
import { useNavigate } from "react-router";
import { api, data } from "@/api/client";
import { formatInZone } from "@/i18n/format";
import { Button } from "@/ui/Button";
import { Dialog } from "@/ui/Dialog";
import { Field, TextInput } from "@/ui/Field";
import { ProblemNote } from "@/ui/ProblemNote";
import { Skeleton } from "@/ui/Skeleton";
import { toast } from "@/ui/toast";
import { useEditorParts } from "../context";

interface BackfillProps {
  workflow: string;
  /** Without one, there is a run for each day. */
  scheduled: boolean;
  onClose: () => void;
}

export function BackfillDialog({ workflow, scheduled, onClose }: BackfillProps) {
  const { t } = useTranslation(["canvas", "common"]);
  const { host } = useEditorParts();
  const queries = useQueryClient();
  const navigate = useNavigate();
  const [first, setFirst] = useState("");
  const [last, setLast] = useState("");
  const [key, setKey] = useState(() => crypto.randomUUID());
  const wanted = { from: first, to: last || first };
  const preview = usePreview(workflow, wanted);
  const fill = useMutation({
    mutationFn: async () => {
      if (!(await host.save())) return undefined;
      return data(
        api.POST("/api/v1/workflows/{workflow_id}/backfills", {
          params: { path: { workflow_id: workflow }, header: { "Idempotency-Key": key } },
          body: { ...wanted, parameters: {} },
        }),
      );
    },
    onSuccess: (made) => {
      if (!made) return;
      void queries.invalidateQueries({ queryKey: ["runs"] });
      toast(t("backfill.made", { count: made.runs.length }));
      onClose();
      void navigate(`/workflows/${workflow}/runs`);
    },
  });
  /** Another wish is another request. */
  function change(put: (date: string) => void, date: string): void {
    put(date);
    fill.reset();
    setKey(crypto.randomUUID());
  }
  const count = first && !preview.isError ? (preview.data?.runs.length ?? 0) : 0;
  return (
    <Dialog
      open
      onClose={onClose}
      title={t("backfill.title")}
      description={t(scheduled ? "backfill.hint" : "backfill.hintDaily")}
      actions={
        <>
          <Button onClick={onClose}>{t("common:action.cancel")}</Button>
          <Button
            kind="primary"
            disabled={!count || preview.isPlaceholderData || fill.isPending}
            onClick={() => fill.mutate()}
          >
            <History aria-hidden className="size-4" />
            {t("backfill.start", { count })}
          </Button>
        </>
      }
    >
      <div className="space-y-4">
        <div className="grid grid-cols-2 gap-4">
          <Field label={t("backfill.from")}>
            {(control) => (
              <TextInput
                {...control}
                type="date"
                value={first}
                onChange={(event) => change(setFirst, event.target.value)}
              />
            )}
          </Field>
          <Field label={t("backfill.to")}>
            {(control) => (
              <TextInput
                {...control}
                type="date"
                min={first}
                value={last}
                onChange={(event) => change(setLast, event.target.value)}
              />
            )}
          </Field>
        </div>
        {first ? <Previewed {...preview} /> : <p className="text-ink-faint">{t("backfill.choose")}</p>}
        {fill.error ? <ProblemNote problem={fill.error} /> : null}
      </div>
    </Dialog>
  );
}

function usePreview(workflow: string, wanted: { from: string; to: string }) {
  const asked = useDeferredValue(JSON.stringify(wanted));
  return useQuery({
    queryKey: ["backfill-preview", workflow, asked],
    queryFn: () =>
      data(
        api.POST("/api/v1/workflows/{workflow_id}/backfills/preview", {
          params: { path: { workflow_id: workflow } },
          body: { ...(JSON.parse(asked) as typeof wanted), parameters: {} },
        }),
      ),
    enabled: wanted.from !== "",
    placeholderData: keepPreviousData,
    retry: false,
  });
}

function Previewed({ data: found, error }: Pick<ReturnType<typeof usePreview>, "data" | "error">) {
  const { t } = useTranslation("canvas");
  if (error) return <ProblemNote problem={error} />;
  if (!found) return <Skeleton className="h-24" />;
  return (
    <section aria-live="polite" className="rounded-md border border-line bg-sunken p-3">
      <h3 className="mb-1 text-ink-faint text-xs">
        {t("backfill.would", { count: found.runs.length, zone: found.time_zone })}
      </h3>
      <ol className="max-h-56 space-y-0.5 overflow-auto tabular-nums">
        {found.runs.map((time) => (
          <li key={time}>{formatInZone(time, found.time_zone)}</li>
        ))}
      </ol>
      {found.dropped.length ? (
        <>
          <h3 className="mt-3 mb-1 text-ink-faint text-xs">{t("backfill.dropped")}</h3>
          <ul className="space-y-0.5 tabular-nums">
            {found.dropped.map(({ data_time }) => (
              <li key={data_time}>{formatInZone(data_time, found.time_zone)}</li>
            ))}
          </ul>
        </>
      ) : null}
    </section>
  );
}
