/** The script's command line, with its words shown as the script gets them. */

import { useTranslation } from "react-i18next";
import { Field, TextArea } from "@/ui/Field";
import { isReference, problemAt } from "./draft";
import { EXAMPLES } from "./examples";
import { Note } from "./Note";
import type { JobFieldProps } from "./props";
import { secretsInWords } from "./suspicion";
import { splitWords } from "./words";

export function ArgumentsField({
  value,
  onChange,
  problems,
  disabled,
  aside,
  allowReferences,
}: JobFieldProps) {
  const { t } = useTranslation("fields");
  const text = value.arguments ?? "";
  const { words, unclosed } = splitWords(text);
  const secrets = secretsInWords(words);
  return (
    <Field
      label={t("arguments.label")}
      hint={t("arguments.hint")}
      error={unclosed ? t("arguments.unclosed", { mark: unclosed }) : problemAt(problems, "arguments")}
      aside={aside?.("arguments")}
    >
      {(control) => (
        <>
          <TextArea
            {...control}
            className="min-h-9!"
            rows={text.includes("\n") ? 4 : 1}
            spellCheck={false}
            disabled={disabled}
            placeholder={EXAMPLES.arguments}
            value={text}
            onChange={(event) => onChange("arguments", event.target.value || undefined)}
          />
          {words.length ? (
            <ol aria-label={t("arguments.words")} className="mt-1 flex flex-wrap gap-1">
              {words.map((word, at) => (
                <li
                  // biome-ignore lint/suspicious/noArrayIndexKey: words have no other identity than their place
                  key={at}
                  className="max-w-full truncate whitespace-pre rounded bg-sunken px-1.5 font-mono text-xs"
                >
                  {word || "\u2205"}
                </li>
              ))}
            </ol>
          ) : null}
          {!allowReferences && isReference(text) ? <Note kind="warning">{t("reference")}</Note> : null}
          {secrets.length ? (
            <Note kind="warning">{t("arguments.secret", { options: secrets.join(", ") })}</Note>
          ) : null}
        </>
      )}
    </Field>
  );
}
