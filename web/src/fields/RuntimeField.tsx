/** Which runtime, with its real versions. */
import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import type { Schema } from "@/api/client";
import { Field, Select } from "@/ui/Field";
import { problemAt } from "./draft";
import { Note } from "./Note";
import type { JobFieldProps } from "./props";
import { runtimesQuery } from "./queries";

export function RuntimeField({ value, onChange, problems, disabled, aside }: JobFieldProps) {
  const { t } = useTranslation("fields");
  const { data: runtimes = [], isSuccess } = useQuery(runtimesQuery);
  const chosen = value.runtime ?? "";
  const standard = runtimes.find((runtime) => runtime.default);
  const shown = runtimes.find(({ name }) => name === chosen) ?? (chosen ? undefined : standard);
  return (
    <Field
      label={t("runtime.label")}
      error={problemAt(problems, "runtime")}
      aside={aside?.("runtime", t("runtime.label"))}
    >
      {(control) => (
        <>
          <Select
            {...control}
            disabled={disabled}
            value={chosen}
            onChange={(event) => onChange("runtime", event.target.value || undefined)}
          >
            <option value="">{t("runtime.standard", { name: standard?.name ?? "" })}</option>
            {runtimes.map(({ name }) => (
              <option key={name}>{name}</option>
            ))}
            {chosen && !runtimes.some(({ name }) => name === chosen) ? <option>{chosen}</option> : null}
          </Select>
          {shown ? <Versions runtime={shown} /> : null}
          {isSuccess && !shown ? <Note kind="warning">{t("runtime.nowhere")}</Note> : null}
        </>
      )}
    </Field>
  );
}

/** Python, CUDA and packages, as found on the workers that offer it. */
function Versions({ runtime }: { runtime: Schema<"OfferedRuntime"> }) {
  const { t } = useTranslation("fields");
  const workers = Object.entries(runtime.workers);
  const [first] = workers;
  if (!first) return null;
  const [, found] = first;
  const rows = [
    ["Python", found.python],
    ...Object.entries(found.packages),
    ["CUDA", found.cuda ?? t("runtime.noCuda")],
  ];
  const differ =
    new Set(workers.map(([, one]) => JSON.stringify([one.python, one.packages, one.cuda]))).size > 1;
  return (
    <div className="mt-1.5 rounded-md border border-line bg-sunken px-2.5 py-1.5 text-xs">
      <p className="font-medium text-ink-soft">{t("runtime.versions")}</p>
      <dl className="mt-0.5 grid gap-x-4 [grid-template-columns:repeat(auto-fill,minmax(9rem,1fr))]">
        {rows.map(([name, version]) => (
          <div key={name} className="flex justify-between gap-2">
            <dt className="truncate text-ink-soft">{name}</dt>
            <dd className="font-mono">{version}</dd>
          </div>
        ))}
      </dl>
      {differ ? <Note kind="warning">{t("runtime.differ", { worker: first[0] })}</Note> : null}
    </div>
  );
}
