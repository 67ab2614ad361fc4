/**
 * All fields of a job: the form of a single job and the panel of a node show the same ones.
 *
 * Controlled: `value` holds what was typed, `onChange(path, value)` tells each change (`undefined`: left out),
 * `problems` puts sentences at fields. Groups may be shown one by one.
 */
import { useTranslation } from "react-i18next";
import { AmountField } from "./AmountField";
import { ArgumentsField } from "./ArgumentsField";
import { DependenciesField } from "./DependenciesField";
import { EnvironmentField } from "./EnvironmentField";
import { PathsField } from "./PathsField";
import type { JobFieldProps } from "./props";
import { RequirementsField } from "./RequirementsField";
import { ResourceFields } from "./ResourceFields";
import { RuntimeField } from "./RuntimeField";
import { ScriptField } from "./ScriptField";

/** What runs, and with what. */
export function ProgramFields(props: JobFieldProps) {
  return (
    <div className="space-y-4">
      <ScriptField {...props} />
      <DependenciesField {...props} />
      <PathsField {...props} />
      <ArgumentsField {...props} />
      <EnvironmentField {...props} />
      <RequirementsField {...props} />
    </div>
  );
}

/** Where, on how much, and how often. */
export function ResourceGroup(props: JobFieldProps) {
  const { t } = useTranslation("fields");
  return (
    <div className="space-y-4">
      <RuntimeField {...props} />
      <ResourceFields {...props} />
      <div className="grid gap-x-4 gap-y-3 [grid-template-columns:repeat(auto-fit,minmax(11rem,1fr))]">
        <AmountField
          {...props}
          path="retries.after_failure"
          label={t("retries.failure")}
          hint={t("retries.failureHint")}
          standard={0}
        />
        <AmountField
          {...props}
          path="retries.after_loss"
          label={t("retries.loss")}
          hint={t("retries.lossHint")}
          standard={0}
        />
      </div>
    </div>
  );
}

export function JobFields(props: JobFieldProps) {
  const { t } = useTranslation("fields");
  const groups = [
    { key: "program", label: t("group.program"), fields: <ProgramFields {...props} /> },
    { key: "resources", label: t("group.resources"), fields: <ResourceGroup {...props} /> },
  ];
  return (
    <div className="space-y-6">
      {groups.map(({ key, label, fields }) => (
        <section key={key} aria-label={label}>
          <h2 className="mb-3 border-line border-b pb-1 font-semibold text-ink-soft text-xs uppercase tracking-wide">
            {label}
          </h2>
          {fields}
        </section>
      ))}
    </div>
  );
}
