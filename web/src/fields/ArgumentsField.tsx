/** The script's command line, with its words shown as the script gets them. */

import { useTranslation } from "react-i18next";
import { Field, TextArea } from "@/ui/Field";
import { toast } from "@/ui/toast";
import { isReference, problemAt } from "./draft";
import { EXAMPLES } from "./examples";
import { Note } from "./Note";
import type { JobFieldProps } from "./props";
import { freeName, useMakeSecret } from "./secrets";
import { type Found, secretsInWords } from "./suspicion";
import { splitWords, withoutWords } from "./words";

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
  const store = useMakeSecret();
  const variables = value.environment ?? {};
  const variableOf = (secret: Found) => freeName(secret.name, Object.keys(variables));

  /** Out of the command line, into the environment: no argument can hold a secret. */
  function move(secret: Found): void {
    const name = variableOf(secret);
    const put = (reference: string) => {
      onChange("arguments", withoutWords(text, secret.words) || undefined);
      onChange("environment", { ...variables, [name]: reference });
      toast(t("arguments.moved", { name }));
    };
    store.mutate({ name, value: secret.value }, { onSuccess: put });
  }

  return (
    <Field
      label={t("arguments.label")}
      hint={t("arguments.hint")}
      error={unclosed ? t("arguments.unclosed", { mark: unclosed }) : problemAt(problems, "arguments")}
      aside={aside?.("arguments", t("arguments.label"))}
    >
      {(control) => (
        <>
          <TextArea
            {...control}
            className="max-h-40 min-h-9! [field-sizing:content]"
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
          {secrets.map((secret) => (
            <Note key={secret.words[0]} kind="warning">
              {t("arguments.secret", { option: secret.said })}{" "}
              {disabled ? null : (
                <button
                  type="button"
                  className="font-medium text-accent underline disabled:opacity-50"
                  disabled={store.isPending}
                  onClick={() => move(secret)}
                >
                  {t("arguments.makeSecret", { name: variableOf(secret) })}
                </button>
              )}
            </Note>
          ))}
        </>
      )}
    </Field>
  );
}
