/** Environment variables; what looks like a secret becomes one by a click. */

import { useQuery } from "@tanstack/react-query";
import { KeyRound, Plus, Trash2 } from "lucide-react";
import { type ReactNode, useState } from "react";
import { useTranslation } from "react-i18next";
import { Button, IconButton } from "@/ui/Button";
import { Field, TextInput } from "@/ui/Field";
import { Menu, MenuItem, MenuLabel } from "@/ui/Menu";
import { problemAt } from "./draft";
import { EXAMPLES } from "./examples";
import { Note } from "./Note";
import type { JobFieldProps } from "./props";
import { secretsQuery } from "./queries";
import { useMakeSecret } from "./secrets";
import { isVariableName, looksSecret } from "./suspicion";

interface Row {
  key: number;
  name: string;
  value: string;
}

/** One object, so that nothing given stays the same from one rendering to the next. */
const NONE: Readonly<Record<string, string>> = {};

let nextKey = 0;
const row = (name = "", value = ""): Row => {
  nextKey += 1;
  return { key: nextKey, name, value };
};

const REFERENCE = /^\$\{secrets\.([A-Z0-9_]+)\}$/;

/** Rows as a person types them: a name may be empty, or there twice, for a moment. */
function useRows({ value, onChange }: Pick<JobFieldProps, "value" | "onChange">) {
  const given = value.environment ?? NONE;
  const [rows, setRows] = useState(() => Object.entries(given).map(([name, text]) => row(name, text)));
  const told = Object.fromEntries(rows.filter(({ name }) => name).map((one) => [one.name, one.value]));
  const [seen, setSeen] = useState(given);
  if (seen !== given) {
    setSeen(given);
    // Changed by somebody else, such as an undo: their rows count.
    if (JSON.stringify(sorted(given)) !== JSON.stringify(sorted(told)))
      setRows(Object.entries(given).map(([name, text]) => row(name, text)));
  }
  const change = (next: readonly Row[]) => {
    setRows([...next]);
    const named = next.filter(({ name }) => name).map((one) => [one.name, one.value]);
    onChange("environment", named.length ? Object.fromEntries(named) : undefined);
  };
  return { rows, change };
}

const sorted = (values: Readonly<Record<string, string>>) => Object.entries(values).sort();

export function EnvironmentField(props: JobFieldProps) {
  const { t } = useTranslation("fields");
  const { rows, change } = useRows(props);
  const [added, setAdded] = useState<number>();
  const { disabled } = props;
  function add(): void {
    const one = row();
    setAdded(one.key);
    change([...rows, one]);
  }
  return (
    <Field
      label={t("environment.label")}
      hint={t("environment.hint")}
      error={problemAt(props.problems, "environment")}
    >
      {(control) => (
        // biome-ignore lint/a11y/useSemanticElements: a label names it already
        <div id={control.id} role="group" aria-label={t("environment.label")} className="space-y-1.5">
          {rows.map((one, at) => (
            <Variable
              key={one.key}
              row={one}
              fresh={one.key === added}
              twice={rows.some(({ name }, other) => other < at && name !== "" && name === one.name)}
              disabled={disabled}
              aside={isVariableName(one.name) ? props.aside?.(`environment.${one.name}`, one.name) : null}
              onChange={(changed) => change(rows.map((old) => (old.key === one.key ? changed : old)))}
              onRemove={() => change(rows.filter(({ key }) => key !== one.key))}
            />
          ))}
          {disabled ? null : (
            <Button kind="quiet" className="px-1.5!" onClick={add}>
              <Plus aria-hidden className="size-4" />
              {t("environment.add")}
            </Button>
          )}
        </div>
      )}
    </Field>
  );
}

interface VariableProps {
  row: Row;
  /** Just added: its name is what is typed next. */
  fresh: boolean;
  twice: boolean;
  disabled: boolean | undefined;
  aside: ReactNode;
  onChange: (row: Row) => void;
  onRemove: () => void;
}

function Variable({ row: one, fresh, twice, disabled, aside, onChange, onRemove }: VariableProps) {
  const { t } = useTranslation("fields");
  const { data: secrets } = useQuery(secretsQuery);
  const known = (secrets ?? []).map(({ name }) => name);
  const store = useMakeSecret();
  const wrong = one.name !== "" && !isVariableName(one.name);
  const missing = REFERENCE.exec(one.value)?.[1];
  return (
    <div>
      <div className="flex items-center gap-1.5">
        <TextInput
          className="w-2/5! font-mono text-xs"
          aria-label={t("environment.name")}
          autoFocus={fresh}
          aria-invalid={wrong || twice}
          placeholder={EXAMPLES.variable}
          spellCheck={false}
          disabled={disabled}
          value={one.name}
          onChange={(event) => onChange({ ...one, name: event.target.value })}
        />
        <span className="relative min-w-0 flex-1" data-field>
          <TextInput
            className={`font-mono text-xs ${aside && !disabled ? "pr-7!" : ""}`}
            aria-label={t("environment.value", { name: one.name || t("environment.nameless") })}
            spellCheck={false}
            disabled={disabled}
            value={one.value}
            onChange={(event) => onChange({ ...one, value: event.target.value })}
          />
          {aside ? <span className="absolute top-1 right-0.5">{aside}</span> : null}
        </span>
        {disabled ? null : (
          <>
            <Menu
              trigger={
                <IconButton label={t("environment.secret")}>
                  <KeyRound aria-hidden className="size-4" />
                </IconButton>
              }
            >
              <MenuLabel>{known.length ? t("environment.pick") : t("environment.noSecrets")}</MenuLabel>
              {known.map((name) => (
                <MenuItem
                  key={name}
                  onSelect={() => onChange({ ...one, name: one.name || name, value: `\${secrets.${name}}` })}
                >
                  {name}
                </MenuItem>
              ))}
            </Menu>
            <IconButton
              label={t("environment.remove", { name: one.name || t("environment.nameless") })}
              onClick={onRemove}
            >
              <Trash2 aria-hidden className="size-4" />
            </IconButton>
          </>
        )}
      </div>
      {wrong ? <Note kind="danger">{t("environment.wrongName")}</Note> : null}
      {twice ? <Note kind="danger">{t("environment.twice", { name: one.name })}</Note> : null}
      {missing && secrets && !known.includes(missing) ? (
        <Note kind="warning">{t("environment.unknown", { name: missing })}</Note>
      ) : null}
      {!disabled && looksSecret(one.name, one.value) ? (
        <Note kind="warning">
          {t("environment.suspicious")}{" "}
          <button
            type="button"
            className="font-medium text-accent underline disabled:opacity-50"
            disabled={store.isPending || !isVariableName(one.name)}
            onClick={() => store.mutate(one, { onSuccess: (value) => onChange({ ...one, value }) })}
          >
            {t("environment.makeSecret")}
          </button>
        </Note>
      ) : null}
    </div>
  );
}
