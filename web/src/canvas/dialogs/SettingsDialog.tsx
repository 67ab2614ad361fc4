/** How the workflow's runs are carried out. */
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Button } from "@/ui/Button";
import { Dialog } from "@/ui/Dialog";
import { Field, Select, TextInput } from "@/ui/Field";
import { useEditorParts } from "../context";
import type { GraphSettings } from "../model/graph";

const ZONES = ["UTC", ...Intl.supportedValuesOf("timeZone")];

export function SettingsDialog({ onClose }: { onClose: () => void }) {
  const { t } = useTranslation(["canvas", "common"]);
  const { store } = useEditorParts();
  const [settings, setSettings] = useState<GraphSettings>(store.getState().history.graph.settings);
  const set = (part: Partial<GraphSettings>) => setSettings((now) => ({ ...now, ...part }));
  const whole = (text: string) => (/^\d+$/.test(text) && Number(text) > 0 ? Number(text) : undefined);

  function take(): void {
    store.getState().change({ type: "settings", settings });
    onClose();
  }

  return (
    <Dialog
      open
      onClose={onClose}
      title={t("settings.title")}
      actions={
        <>
          <Button onClick={onClose}>{t("common:action.cancel")}</Button>
          <Button kind="primary" onClick={take}>
            {t("parameters.take")}
          </Button>
        </>
      }
    >
      <div className="space-y-4">
        <Field label={t("settings.onFailure")} hint={t("settings.onFailureHint")}>
          {(control) => (
            <Select
              {...control}
              value={settings.on_failure ?? "finish_independent"}
              onChange={(event) => set({ on_failure: event.target.value as "start_nothing_new" })}
            >
              <option value="finish_independent">{t("settings.finishIndependent")}</option>
              <option value="start_nothing_new">{t("settings.startNothingNew")}</option>
            </Select>
          )}
        </Field>
        <Field label={t("settings.parallelism")} hint={t("settings.parallelismHint")}>
          {(control) => (
            <TextInput
              {...control}
              inputMode="numeric"
              value={settings.parallelism ?? ""}
              placeholder={t("settings.noLimit")}
              onChange={(event) => set({ parallelism: whole(event.target.value) ?? null })}
            />
          )}
        </Field>
        <div className="grid grid-cols-2 gap-4">
          <Field label={t("settings.concurrent")}>
            {(control) => (
              <TextInput
                {...control}
                inputMode="numeric"
                value={settings.concurrent_runs ?? 1}
                onChange={(event) => set({ concurrent_runs: whole(event.target.value) ?? 1 })}
              />
            )}
          </Field>
          <Field label={t("settings.whenBusy")}>
            {(control) => (
              <Select
                {...control}
                value={settings.when_busy ?? "queue"}
                onChange={(event) => set({ when_busy: event.target.value as "queue" })}
              >
                <option value="queue">{t("settings.queue")}</option>
                <option value="refuse">{t("settings.refuse")}</option>
              </Select>
            )}
          </Field>
        </div>
        <Field label={t("settings.zone")} hint={t("settings.zoneHint")}>
          {(control) => (
            <>
              <TextInput
                {...control}
                list="time-zones"
                value={settings.time_zone ?? "UTC"}
                onChange={(event) => set({ time_zone: event.target.value })}
              />
              <datalist id="time-zones">
                {ZONES.map((zone) => (
                  <option key={zone} value={zone} />
                ))}
              </datalist>
            </>
          )}
        </Field>
      </div>
    </Dialog>
  );
}
