/** One run for each combination of values. */
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useNavigate } from "react-router";
import { body } from "@/api/body";
import { api, data } from "@/api/client";
import { Button } from "@/ui/Button";
import { Dialog } from "@/ui/Dialog";
import { Field, TextInput } from "@/ui/Field";
import { ProblemNote } from "@/ui/ProblemNote";
import { useEditor, useEditorParts } from "../context";
import type { Parameter } from "../model/graph";
import { type Scalar, scalarOf } from "./values";

const MOST = 1_000;

/** `0.1, 0.2` or `1..5` or `0..1 / 0.25`: values, or a range with its step. */
export function valuesOf(type: Parameter["type"], text: string): Scalar[] | undefined {
  const range = /^\s*(-?[\d.]+)\s*\.\.\s*(-?[\d.]+)\s*(?:\/\s*(-?[\d.]+)\s*)?$/.exec(text);
  if (range && type !== "string") {
    const [start, stop, step] = [Number(range[1]), Number(range[2]), Number(range[3] ?? 1)];
    const count = Math.floor((stop - start) / step + 1e-9) + 1;
    if (!Number.isFinite(count) || count < 1 || count > MOST) return undefined;
    return Array.from({ length: count }, (_, at) => Number((start + at * step).toPrecision(12)));
  }
  const values = text
    .split(",")
    .map((one) => one.trim())
    .filter(Boolean)
    .map((one) => scalarOf(type === "choice" ? "string" : type, one));
  return values.every((one) => one !== undefined) ? (values as Scalar[]) : undefined;
}

export function SweepDialog({ workflow, onClose }: { workflow: string; onClose: () => void }) {
  const { t } = useTranslation(["canvas", "common"]);
  const { host, store } = useEditorParts();
  const queries = useQueryClient();
  const navigate = useNavigate();
  const parameters = useEditor((state) => state.history.graph.parameters);
  const [texts, setTexts] = useState<Record<string, string>>({});
  const [name, setName] = useState("");
  const given = parameters.map((parameter) => ({
    parameter,
    values: valuesOf(parameter.type, texts[parameter.name] ?? ""),
  }));
  const used = given.filter(({ values }) => values?.length);
  const runs = used.length ? used.reduce((product, { values }) => product * (values?.length ?? 1), 1) : 0;
  const wrong = given.some(({ values }) => values === undefined) || runs > MOST;
  const start = useMutation({
    mutationFn: async () => {
      if (!(await host.save())) return undefined;
      return data(
        api.POST("/api/v1/workflows/{workflow_id}/sweeps", {
          params: { path: { workflow_id: workflow } },
          body: body({
            name,
            version: store.getState().base,
            parameters: Object.fromEntries(used.map(({ parameter, values }) => [parameter.name, values])),
          }),
          headers: { "Idempotency-Key": crypto.randomUUID() },
        }),
      );
    },
    onSuccess: (sweep) => {
      if (!sweep) return;
      void queries.invalidateQueries({ queryKey: ["runs"] });
      onClose();
      void navigate(`/workflows/${workflow}/runs?sweep=${sweep.id}`);
    },
  });
  return (
    <Dialog
      open
      onClose={onClose}
      title={t("sweep.title")}
      description={t("sweep.hint")}
      actions={
        <>
          <span className="mr-auto self-center text-ink-soft">{t("sweep.count", { count: runs })}</span>
          <Button onClick={onClose}>{t("common:action.cancel")}</Button>
          <Button kind="primary" disabled={!runs || wrong || start.isPending} onClick={() => start.mutate()}>
            {t("sweep.start")}
          </Button>
        </>
      }
    >
      {parameters.length ? (
        <div className="space-y-3">
          {given.map(({ parameter, values }) => (
            <Field
              key={parameter.name}
              label={parameter.name}
              hint={parameter.description}
              error={
                values ? undefined : t("parameters.wrong", { type: t(`parameters.types.${parameter.type}`) })
              }
            >
              {(control) => (
                <TextInput
                  {...control}
                  className="font-mono text-xs"
                  placeholder={placeholder(parameter)}
                  value={texts[parameter.name] ?? ""}
                  onChange={(event) => setTexts((now) => ({ ...now, [parameter.name]: event.target.value }))}
                />
              )}
            </Field>
          ))}
          <Field label={t("sweep.name")}>
            {(control) => (
              <TextInput {...control} value={name} onChange={(event) => setName(event.target.value)} />
            )}
          </Field>
          {start.error ? <ProblemNote problem={start.error} /> : null}
        </div>
      ) : (
        <p className="text-ink-soft">{t("sweep.none")}</p>
      )}
    </Dialog>
  );
}

function placeholder({ type, choices, default: value }: Parameter): string {
  if (type === "choice") return (choices ?? []).join(", ");
  if (type === "boolean") return "true, false";
  if (type === "integer") return "1..5";
  if (type === "number") return "0.1, 0.01, 0.001";
  return value === null || value === undefined ? "" : String(value);
}
