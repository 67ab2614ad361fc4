/** What a run is given, asked before it starts; the last values stand there already. */
import { Play } from "lucide-react";
import { type FormEvent, useState } from "react";
import { useTranslation } from "react-i18next";
import { formatList } from "@/i18n/format";
import { Button } from "@/ui/Button";
import { Dialog } from "@/ui/Dialog";
import { Checkbox, Field, TextInput } from "@/ui/Field";
import { ProblemNote } from "@/ui/ProblemNote";
import { type Mode, useEditor } from "../context";
import type { Workflow } from "../server/workflow";
import type { RunWish } from "../useRunning";
import { ValueInput } from "./ValueInput";
import { type Scalar, scalarOf } from "./values";

interface RunDialogProps {
  workflow: Workflow;
  mode: Mode;
  starting: boolean;
  problem: Error | undefined;
  onRun: (wish: RunWish) => void;
  onClose: () => void;
}

export function RunDialog({ workflow, mode, starting, problem, onRun, onClose }: RunDialogProps) {
  const { t } = useTranslation(["canvas", "common"]);
  const parameters = useEditor((state) => state.history.graph.parameters);
  const [texts, setTexts] = useState<Record<string, string>>(() => lastTexts(workflow));
  const [force, setForce] = useState(false);
  const [name, setName] = useState("");

  const given = parameters.map((parameter) => {
    const text = texts[parameter.name] ?? "";
    const value = text === "" ? undefined : scalarOf(parameter.type, text);
    const choice = parameter.choices?.find((one) => String(one) === text);
    const missing = text === "" && (parameter.default === null || parameter.default === undefined);
    return {
      parameter,
      text,
      value: choice ?? value,
      wrong: missing || (text !== "" && value === undefined),
    };
  });

  function submit(event: FormEvent): void {
    event.preventDefault();
    const values: Record<string, Scalar> = {};
    for (const { parameter, value } of given) if (value !== undefined) values[parameter.name] = value;
    onRun({ mode, parameters: values, force, ...(name ? { name } : {}) });
  }

  return (
    <Dialog
      open
      onClose={onClose}
      title={t("run.title")}
      description={t("run.modeOf", { mode: t(`mode.${mode.kind}`), names: formatList(mode.nodes) })}
      actions={
        <>
          <Button onClick={onClose}>{t("common:action.cancel")}</Button>
          <Button
            kind="primary"
            type="submit"
            form="run-form"
            autoFocus
            disabled={starting || given.some((one) => one.wrong)}
          >
            <Play aria-hidden className="size-4 fill-current" />
            {t("run.all")}
          </Button>
        </>
      }
    >
      <form id="run-form" onSubmit={submit} className="space-y-3">
        {given.map(({ parameter, text, wrong }) => (
          <Field
            key={parameter.name}
            label={parameter.name}
            hint={parameter.description}
            error={
              wrong && text
                ? t("parameters.wrong", { type: t(`parameters.types.${parameter.type}`) })
                : undefined
            }
          >
            {(control) => (
              <ValueInput
                control={control}
                parameter={parameter}
                placeholder={
                  parameter.default === null || parameter.default === undefined
                    ? t("parameters.asked")
                    : String(parameter.default)
                }
                text={text}
                onText={(next) => setTexts((now) => ({ ...now, [parameter.name]: next }))}
              />
            )}
          </Field>
        ))}
        <Field label={t("run.name")}>
          {(control) => (
            <TextInput
              {...control}
              maxLength={200}
              value={name}
              onChange={(event) => setName(event.target.value)}
            />
          )}
        </Field>
        <Checkbox
          label={t("run.force")}
          checked={force}
          onChange={(event) => setForce(event.target.checked)}
        />
        {problem ? <ProblemNote problem={problem} /> : null}
      </form>
    </Dialog>
  );
}

function lastTexts(workflow: Workflow): Record<string, string> {
  return Object.fromEntries(
    Object.entries(workflow.last_parameters).flatMap(([name, value]) =>
      value === null || typeof value === "object" ? [] : [[name, String(value)]],
    ),
  );
}
