/** The workflow's parameters: names, types, defaults; taken over as one step. */
import { Plus, Trash2 } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Button, IconButton } from "@/ui/Button";
import { Dialog } from "@/ui/Dialog";
import { Select, TextInput } from "@/ui/Field";
import { useEditorParts } from "../context";
import type { Parameter } from "../model/graph";
import { ValueInput } from "./ValueInput";
import { choicesOf, scalarOf } from "./values";

const TYPES = ["string", "integer", "number", "boolean", "choice"] as const;

interface Row {
  key: string;
  name: string;
  type: Parameter["type"];
  text: string;
  choices: string;
  description: string;
}

function rowOf(parameter: Parameter): Row {
  return {
    key: crypto.randomUUID(),
    name: parameter.name,
    type: parameter.type,
    text: parameter.default === null || parameter.default === undefined ? "" : String(parameter.default),
    choices: (parameter.choices ?? []).join(", "),
    description: parameter.description ?? "",
  };
}

function parameterOf(row: Row): Parameter {
  const choices = row.type === "choice" ? choicesOf(row.choices) : [];
  const value = row.text === "" ? undefined : scalarOf(row.type, row.text);
  const chosen = choices.find((one) => String(one) === row.text) ?? value;
  return {
    name: row.name.trim(),
    type: row.type,
    ...(chosen === undefined ? {} : { default: chosen }),
    ...(choices.length ? { choices } : {}),
    ...(row.description ? { description: row.description } : {}),
  };
}

function wrongName(row: Row, rows: readonly Row[]): boolean {
  const name = row.name.trim();
  return !/^[A-Za-z_]\w{0,63}$/.test(name) || rows.some((one) => one !== row && one.name.trim() === name);
}

export function ParametersDialog({ onClose }: { onClose: () => void }) {
  const { t } = useTranslation(["canvas", "common"]);
  const { store } = useEditorParts();
  const [rows, setRows] = useState(() => store.getState().history.graph.parameters.map(rowOf));
  const wrong = rows.some(
    (row) => wrongName(row, rows) || (row.text !== "" && scalarOf(row.type, row.text) === undefined),
  );
  const set = (key: string, part: Partial<Row>) =>
    setRows((now) => now.map((row) => (row.key === key ? { ...row, ...part } : row)));

  function take(): void {
    store.getState().change({ type: "parameters", parameters: rows.map(parameterOf) });
    onClose();
  }

  return (
    <Dialog
      open
      wide
      onClose={onClose}
      title={t("parameters.title")}
      description={t("parameters.hint")}
      actions={
        <>
          <Button onClick={onClose}>{t("common:action.cancel")}</Button>
          <Button kind="primary" disabled={wrong} onClick={take}>
            {t("parameters.take")}
          </Button>
        </>
      }
    >
      {rows.length ? (
        <table className="w-full border-separate border-spacing-x-2 border-spacing-y-1.5">
          <thead>
            <tr className="text-left text-ink-faint text-xs">
              <th className="font-normal">{t("parameters.name")}</th>
              <th className="font-normal">{t("parameters.type")}</th>
              <th className="font-normal">{t("parameters.default")}</th>
              <th className="font-normal">{t("parameters.description")}</th>
              <th />
            </tr>
          </thead>
          <tbody>
            {rows.map((row) => (
              <tr key={row.key} className="align-top">
                <td className="w-44 max-lg:w-32">
                  <TextInput
                    aria-label={t("parameters.name")}
                    aria-invalid={wrongName(row, rows)}
                    className="font-mono text-xs"
                    value={row.name}
                    onChange={(event) => set(row.key, { name: event.target.value })}
                  />
                </td>
                <td className="w-32 max-lg:w-24">
                  <Select
                    aria-label={t("parameters.type")}
                    value={row.type}
                    onChange={(event) => set(row.key, { type: event.target.value as Row["type"] })}
                  >
                    {TYPES.map((type) => (
                      <option key={type} value={type}>
                        {t(`parameters.types.${type}`)}
                      </option>
                    ))}
                  </Select>
                </td>
                <td className="w-52 space-y-1 max-lg:w-36">
                  {row.type === "choice" ? (
                    <TextInput
                      aria-label={t("parameters.choices")}
                      placeholder={t("parameters.choices")}
                      value={row.choices}
                      onChange={(event) => set(row.key, { choices: event.target.value })}
                    />
                  ) : null}
                  <ValueInput
                    label={t("parameters.default")}
                    parameter={{ type: row.type, choices: choicesOf(row.choices) }}
                    placeholder={t("parameters.asked")}
                    text={row.text}
                    onText={(text) => set(row.key, { text })}
                  />
                </td>
                <td>
                  <TextInput
                    aria-label={t("parameters.description")}
                    value={row.description}
                    onChange={(event) => set(row.key, { description: event.target.value })}
                  />
                </td>
                <td className="w-8">
                  <IconButton
                    label={t("parameters.remove", { name: row.name })}
                    onClick={() => setRows((now) => now.filter((one) => one.key !== row.key))}
                  >
                    <Trash2 aria-hidden className="size-4" />
                  </IconButton>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      ) : (
        <p className="mb-3 text-ink-soft">{t("parameters.none")}</p>
      )}
      <Button
        className="ml-2"
        onClick={() =>
          setRows((now) => [...now, rowOf({ name: `parameter_${now.length + 1}`, type: "string" })])
        }
      >
        <Plus aria-hidden className="size-4" />
        {t("parameters.add")}
      </Button>
    </Dialog>
  );
}
