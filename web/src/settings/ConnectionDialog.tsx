/** Setting up a connection, or replacing one: the secret has to be given again, it is never told. */

import { useMutation, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { useTranslation } from "react-i18next";
import { ApiProblem, api } from "@/api/client";
import { problemAt } from "@/fields/draft";
import { EXAMPLES } from "@/fields/examples";
import { Button } from "@/ui/Button";
import { Dialog } from "@/ui/Dialog";
import { Field, Select, TextArea, TextInput } from "@/ui/Field";
import { ProblemNote } from "@/ui/ProblemNote";
import { toast } from "@/ui/toast";
import { type Connection, type ConnectionSettings, connectionsQuery } from "./queries";

interface Typed {
  name: string;
  kind: Connection["kind"];
  endpoint: string;
  region: string;
  addressing: Connection["addressing"] | "";
  access_key_id: string;
  secret_access_key: string;
  allowed: string;
}

function startOf(given: Connection | undefined): Typed {
  return {
    name: given?.name ?? "",
    kind: given?.kind ?? "s3",
    endpoint: given?.endpoint ?? "",
    region: given?.region ?? "",
    addressing: given?.addressing ?? "",
    access_key_id: given?.access_key_id ?? "",
    secret_access_key: "",
    allowed: given?.allowed.join("\n") ?? "",
  };
}

function settingsOf(typed: Typed): ConnectionSettings {
  return {
    kind: typed.kind,
    endpoint: typed.endpoint.trim() || null,
    region: typed.region.trim() || (typed.kind === "cos" ? "ap-guangzhou" : "us-east-1"),
    addressing: typed.addressing || null,
    access_key_id: typed.access_key_id.trim(),
    secret_access_key: typed.secret_access_key,
    allowed: typed.allowed
      .split(/[\n,]/)
      .map((one) => one.trim())
      .filter(Boolean),
  };
}

export function ConnectionDialog({ given, onClose }: { given?: Connection; onClose: () => void }) {
  const { t } = useTranslation("settings");
  const { t: tc } = useTranslation();
  const queries = useQueryClient();
  const [typed, setTyped] = useState(() => startOf(given));
  const set = (change: Partial<Typed>) => setTyped((now) => ({ ...now, ...change }));
  const store = useMutation({
    mutationFn: () =>
      api.PUT("/api/v1/connections/{name}", {
        params: { path: { name: typed.name } },
        body: settingsOf(typed),
      }),
    onSuccess: () => {
      void queries.invalidateQueries(connectionsQuery);
      void queries.invalidateQueries({ queryKey: ["path"] });
      toast(t("connection.done", { name: typed.name }));
      onClose();
    },
  });
  const problems =
    store.error instanceof ApiProblem
      ? Object.fromEntries(store.error.errors.map(({ field, message }) => [field, message]))
      : {};
  const placed = Object.keys(problems).some((field) => field.split(".")[0] ?? "" in typed);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    store.mutate();
  };
  const text = (field: "endpoint" | "region" | "access_key_id" | "name", hint: string, placeholder = "") => (
    <Field label={t(`connection.${field}`)} hint={hint} error={problemAt(problems, field)}>
      {(control) => (
        <TextInput
          {...control}
          spellCheck={false}
          placeholder={placeholder}
          disabled={field === "name" && given !== undefined}
          value={typed[field]}
          onChange={(event) => set({ [field]: event.target.value })}
        />
      )}
    </Field>
  );
  return (
    <Dialog
      open
      onClose={onClose}
      title={given ? t("connection.edit", { name: given.name }) : t("connection.add")}
    >
      <form onSubmit={submit} className="space-y-3.5">
        <div className="grid grid-cols-2 gap-4">
          {text("name", t("connection.nameHint"), EXAMPLES.connection)}
          <Field label={t("connection.kind")}>
            {(control) => (
              <Select
                {...control}
                value={typed.kind}
                onChange={(event) => set({ kind: event.target.value as Typed["kind"] })}
              >
                <option value="s3">{t("connection.s3")}</option>
                <option value="cos">{t("connection.cos")}</option>
              </Select>
            )}
          </Field>
          {text("endpoint", t("connection.endpointHint"), EXAMPLES.endpoint)}
          {text("region", t("connection.regionHint"), typed.kind === "cos" ? "ap-guangzhou" : "us-east-1")}
          {text("access_key_id", "")}
          <Field
            label={t("connection.secret")}
            hint={given ? t("connection.secretAgain") : t("connection.secretHint")}
            error={problemAt(problems, "secret_access_key")}
          >
            {(control) => (
              <TextInput
                {...control}
                type="password"
                autoComplete="new-password"
                value={typed.secret_access_key}
                onChange={(event) => set({ secret_access_key: event.target.value })}
              />
            )}
          </Field>
        </div>
        <Field
          label={t("connection.allowed")}
          hint={t("connection.allowedHint")}
          error={problemAt(problems, "allowed")}
        >
          {(control) => (
            <TextArea
              {...control}
              spellCheck={false}
              placeholder={EXAMPLES.allowed}
              value={typed.allowed}
              onChange={(event) => set({ allowed: event.target.value })}
            />
          )}
        </Field>
        <Field label={t("connection.addressing")} hint={t("connection.addressingHint")}>
          {(control) => (
            <Select
              {...control}
              value={typed.addressing}
              onChange={(event) => set({ addressing: event.target.value as Typed["addressing"] })}
            >
              <option value="">{t("connection.usual")}</option>
              <option value="path">{t("connection.byPath")}</option>
              <option value="virtual">{t("connection.byHost")}</option>
            </Select>
          )}
        </Field>
        {store.error && !placed ? <ProblemNote problem={store.error} /> : null}
        <div className="flex justify-end">
          <Button
            type="submit"
            kind="primary"
            disabled={!typed.name || !typed.access_key_id || !typed.secret_access_key || store.isPending}
          >
            {tc("action.save")}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
