/** Webhooks that are told when a run ends. */
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Send, Trash2 } from "lucide-react";
import { type FormEvent, useState } from "react";
import { useTranslation } from "react-i18next";
import { api, data, type Schema } from "@/api/client";
import { formatMoment } from "@/i18n/format";
import { Button, IconButton } from "@/ui/Button";
import { Dialog } from "@/ui/Dialog";
import { Field, Select, TextInput } from "@/ui/Field";
import { ProblemNote } from "@/ui/ProblemNote";

const PLACEHOLDER = "https://example.com/hook";
const OUTCOMES = ["both", "failure", "success"] as const;

export function NotificationsDialog({ workflow, onClose }: { workflow: string; onClose: () => void }) {
  const { t } = useTranslation("canvas");
  const queries = useQueryClient();
  const [url, setUrl] = useState("");
  const [on, setOn] = useState<Schema<"Outcomes">>("both");
  const key = ["notifications", workflow];
  const path = { params: { path: { workflow_id: workflow } } };
  const list = useQuery({
    queryKey: key,
    queryFn: () => data(api.GET("/api/v1/workflows/{workflow_id}/notifications", path)),
  });
  const read = () => queries.invalidateQueries({ queryKey: key });
  const add = useMutation({
    mutationFn: () =>
      data(api.POST("/api/v1/workflows/{workflow_id}/notifications", { ...path, body: { url, on } })),
    onSuccess: () => {
      setUrl("");
      return read();
    },
  });

  function submit(event: FormEvent): void {
    event.preventDefault();
    add.mutate();
  }

  return (
    <Dialog
      open
      wide
      onClose={onClose}
      title={t("notifications.title")}
      description={t("notifications.hint")}
    >
      <div className="space-y-4">
        {list.error ? <ProblemNote problem={list.error} /> : null}
        {list.data?.length ? (
          <ul className="divide-y divide-line rounded-md border border-line">
            {list.data.map((webhook) => (
              <Webhook key={webhook.id} workflow={workflow} webhook={webhook} onChanged={read} />
            ))}
          </ul>
        ) : (
          <p className="text-ink-soft">{t("notifications.none")}</p>
        )}
        {add.data ? (
          <div role="status" className="rounded-md border border-warning bg-warning-soft p-3">
            <p className="font-medium">{t("notifications.secret")}</p>
            <code className="break-all font-mono text-xs">{add.data.secret}</code>
          </div>
        ) : null}
        <form onSubmit={submit} className="flex items-end gap-2">
          <Field label={t("notifications.url")} className="flex-1">
            {(control) => (
              <TextInput
                {...control}
                type="url"
                placeholder={PLACEHOLDER}
                value={url}
                onChange={(event) => setUrl(event.target.value)}
              />
            )}
          </Field>
          <Field label={t("notifications.on")} className="w-44">
            {(control) => (
              <Select {...control} value={on} onChange={(event) => setOn(event.target.value as typeof on)}>
                {OUTCOMES.map((one) => (
                  <option key={one} value={one}>
                    {t(`notifications.outcomes.${one}`)}
                  </option>
                ))}
              </Select>
            )}
          </Field>
          <Button type="submit" kind="primary" disabled={!url || add.isPending}>
            {t("notifications.add")}
          </Button>
        </form>
        {add.error ? <ProblemNote problem={add.error} /> : null}
      </div>
    </Dialog>
  );
}

interface WebhookProps {
  workflow: string;
  webhook: Schema<"Notification">;
  onChanged: () => unknown;
}

function Webhook({ workflow, webhook, onChanged }: WebhookProps) {
  const { t } = useTranslation("canvas");
  const queries = useQueryClient();
  const path = { params: { path: { workflow_id: workflow, notification_id: webhook.id } } };
  const key = ["deliveries", webhook.id];
  const deliveries = useQuery({
    queryKey: key,
    queryFn: () =>
      data(api.GET("/api/v1/workflows/{workflow_id}/notifications/{notification_id}/deliveries", path)),
    refetchInterval: 5_000,
  });
  const test = useMutation({
    mutationFn: () => api.POST("/api/v1/workflows/{workflow_id}/notifications/{notification_id}/test", path),
    onSettled: () => queries.invalidateQueries({ queryKey: key }),
  });
  const remove = useMutation({
    mutationFn: () => api.DELETE("/api/v1/workflows/{workflow_id}/notifications/{notification_id}", path),
    onSuccess: onChanged,
  });
  const latest = deliveries.data?.items[0];
  return (
    <li className="flex items-center gap-2 px-3 py-1.5">
      <div className="min-w-0 flex-1">
        <div className="truncate font-mono text-xs">{webhook.url}</div>
        <div className="text-ink-faint text-xs">
          {t(`notifications.outcomes.${webhook.on}`)}
          {latest
            ? ` · ${t(`notifications.states.${latest.state}`)} · ${formatMoment(latest.created_at)} ${latest.problem ?? ""}`
            : null}
        </div>
      </div>
      <IconButton label={t("notifications.test")} disabled={test.isPending} onClick={() => test.mutate()}>
        <Send aria-hidden className="size-4" />
      </IconButton>
      <IconButton
        label={t("notifications.remove")}
        disabled={remove.isPending}
        onClick={() => remove.mutate()}
      >
        <Trash2 aria-hidden className="size-4" />
      </IconButton>
    </li>
  );
}
