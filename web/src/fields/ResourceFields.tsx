/** What the job asks of its worker, beside what the workers have. */
import { useQuery } from "@tanstack/react-query";
import { useId } from "react";
import { useTranslation } from "react-i18next";
import type { Schema } from "@/api/client";
import { formatBytes, formatDuration } from "@/i18n/format";
import { Checkbox, Field, TextInput } from "@/ui/Field";
import { AmountField, amountAt } from "./AmountField";
import { problemAt } from "./draft";
import { Note } from "./Note";
import type { JobFieldProps } from "./props";
import { workersQuery } from "./queries";

const MIB = 1024 * 1024;

interface Most {
  gpus: number;
  cpus: number;
  memory_mb: number;
  freeCpus: number;
  freeMemory: number;
  freeGpus: number;
}

function mostOf(workers: readonly Schema<"Worker">[], model: string): Most | undefined {
  const up = workers.filter(({ reachable }) => reachable);
  if (!up.length) return undefined;
  const most = (of: (worker: Schema<"Worker">) => number) => Math.max(...up.map(of));
  const matching = (worker: Schema<"Worker">) =>
    worker.gpus.filter((gpu) => gpu.model.toLowerCase().includes(model.toLowerCase()));
  const free = (worker: Schema<"Worker">) => {
    const taken = new Set(worker.jobs.flatMap(({ gpus }) => gpus));
    return matching(worker).filter(({ uuid }) => !taken.has(uuid)).length;
  };
  return {
    gpus: most((worker) => matching(worker).length),
    cpus: most(({ cpus }) => cpus),
    memory_mb: most(({ memory_mb }) => memory_mb),
    freeCpus: most(({ free_cpus }) => free_cpus),
    freeMemory: most(({ free_memory_mb }) => free_memory_mb),
    freeGpus: most(free),
  };
}

export function ResourceFields(props: JobFieldProps) {
  const { t } = useTranslation("fields");
  const models = useId();
  const { data: workers = [] } = useQuery(workersQuery);
  const asked = props.value.resources ?? {};
  const model = asked.gpu_model ?? "";
  const most = mostOf(workers, model);
  const over = (path: "gpus" | "cpus" | "memory_mb") => {
    const wanted = amountAt(props, `resources.${path}`);
    return most && typeof wanted === "number" && wanted > most[path];
  };
  const seconds = asked.timeout_seconds;
  const known = [...new Set(workers.flatMap(({ gpus }) => gpus.map((gpu) => gpu.model)))];
  return (
    <div className="grid gap-x-4 gap-y-3 [grid-template-columns:repeat(auto-fit,minmax(11rem,1fr))]">
      <AmountField {...props} path="resources.gpus" label={t("gpus.label")} standard={0}>
        {over("gpus") ? (
          <Note kind="warning">{t("gpus.over", { most: most?.gpus })}</Note>
        ) : most ? (
          <Note>{t("most", { most: most.gpus, free: most.freeGpus })}</Note>
        ) : null}
      </AmountField>
      <Field
        label={t("model.label")}
        error={problemAt(props.problems, "resources.gpu_model")}
        aside={props.aside?.("resources.gpu_model", t("model.label"))}
      >
        {(control) => (
          <>
            <TextInput
              {...control}
              list={models}
              disabled={props.disabled}
              placeholder={t("model.any")}
              value={model}
              onChange={(event) => props.onChange("resources.gpu_model", event.target.value || undefined)}
            />
            <datalist id={models}>
              {known.map((one) => (
                <option key={one} value={one} />
              ))}
            </datalist>
          </>
        )}
      </Field>
      <AmountField {...props} path="resources.cpus" label={t("cpus.label")} standard={1}>
        {over("cpus") ? (
          <Note kind="warning">{t("cpus.over", { most: most?.cpus })}</Note>
        ) : most ? (
          <Note>{t("most", { most: most.cpus, free: most.freeCpus })}</Note>
        ) : null}
        {typeof asked.gpus === "number" && asked.gpus > 0 && asked.cpus === undefined ? (
          <Note>{t("cpus.advice", { cpus: 3 * asked.gpus })}</Note>
        ) : null}
      </AmountField>
      <AmountField {...props} path="resources.memory_mb" label={t("memory.label")} standard={2048}>
        {over("memory_mb") ? (
          <Note kind="warning">{t("memory.over", { most: formatBytes((most?.memory_mb ?? 0) * MIB) })}</Note>
        ) : most ? (
          <Note>
            {t("most", { most: formatBytes(most.memory_mb * MIB), free: formatBytes(most.freeMemory * MIB) })}
          </Note>
        ) : null}
      </AmountField>
      <AmountField {...props} path="resources.timeout_seconds" label={t("timeout.label")} standard={86400}>
        <Note>
          {seconds === 0
            ? t("timeout.none")
            : t("timeout.is", { time: formatDuration(typeof seconds === "number" ? seconds : 86400) })}
        </Note>
      </AmountField>
      <AmountField
        {...props}
        path="grace_seconds"
        label={t("grace.label")}
        hint={t("grace.hint")}
        standard={30}
      />
      <div className="col-span-full">
        <Checkbox
          label={t("warm.label")}
          title={t("warm.hint")}
          disabled={props.disabled}
          checked={props.value.warm ?? true}
          onChange={(event) => props.onChange("warm", event.target.checked ? undefined : false)}
        />
      </div>
      {most ? null : (
        <div className="col-span-full">
          <Note kind="warning">{t("noWorker")}</Note>
        </div>
      )}
    </div>
  );
}
