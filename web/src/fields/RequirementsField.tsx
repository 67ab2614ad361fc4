/** Packages for this job alone, as in a requirements file. */

import { useTranslation } from "react-i18next";
import { Field, TextArea } from "@/ui/Field";
import { problemAt } from "./draft";
import { EXAMPLES } from "./examples";
import { Note } from "./Note";
import type { JobFieldProps } from "./props";

/** Lines that the platform refuses: options, addresses and paths choose where packages come from. */
function refusedLine(text: string): string | undefined {
  return text
    .split("\n")
    .map((line) => line.replace(/(^|\s+)#.*$/, "").trim())
    .find((line) => /^-|\s--|:\/\/|^[./]|\\/.test(line));
}

export function RequirementsField({ value, onChange, problems, disabled, aside }: JobFieldProps) {
  const { t } = useTranslation("fields");
  const text = value.requirements ?? "";
  const refused = refusedLine(text);
  return (
    <Field
      label={t("requirements.label")}
      hint={t("requirements.hint")}
      error={problemAt(problems, "requirements")}
      aside={aside?.("requirements", t("requirements.label"))}
    >
      {(control) => (
        <>
          <TextArea
            {...control}
            className="min-h-9!"
            rows={Math.min(Math.max(text.split("\n").length, 1), 8)}
            spellCheck={false}
            disabled={disabled}
            placeholder={EXAMPLES.requirements}
            value={text}
            onChange={(event) => onChange("requirements", event.target.value || undefined)}
          />
          {refused ? <Note kind="warning">{t("requirements.refused", { line: refused })}</Note> : null}
          {/^(torch|torchvision|torchaudio)\b/m.test(text) ? (
            <Note kind="warning">{t("requirements.torch")}</Note>
          ) : null}
        </>
      )}
    </Field>
  );
}
