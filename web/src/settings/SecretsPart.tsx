/** A user's secrets: names are shown, values never. */

import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { KeyRound, Pencil } from "lucide-react";
import { type FormEvent, useState } from "react";
import { useTranslation } from "react-i18next";
import { api } from "@/api/client";
import { EXAMPLES } from "@/fields/examples";
import { formatMoment } from "@/i18n/format";
import { Button, IconButton } from "@/ui/Button";
import { Dialog } from "@/ui/Dialog";
import { Empty } from "@/ui/Empty";
import { Field, TextArea, TextInput } from "@/ui/Field";
import { ProblemNote } from "@/ui/ProblemNote";
import { Skeleton } from "@/ui/Skeleton";
import { toast } from "@/ui/toast";
import { Part, Rows } from "./Part";
import { secretsQuery } from "./queries";
import { Removal } from "./Removal";

const NAME = /^[A-Z_][A-Z0-9_]{0,63}$/;

export function SecretsPart() {
  const { t } = useTranslation("settings");
  const { t: tc } = useTranslation();
  const queries = useQueryClient();
  const { data: secrets, error } = useQuery(secretsQuery);
  /** The secret that is being set; empty for a new one. */
  const [editing, setEditing] = useState<string>();
  const remove = async (name: string) => {
    await api.DELETE("/api/v1/secrets/{name}", { params: { path: { name } } });
    await queries.invalidateQueries(secretsQuery);
  };
  return (
    <Part
      title={t("part.secrets")}
      hint={t("secret.hint")}
      action={
        <Button onClick={() => setEditing("")}>
          <KeyRound aria-hidden className="size-4" />
          {t("secret.add")}
        </Button>
      }
    >
      {error ? <ProblemNote problem={error} /> : null}
      {secrets || error ? null : <Skeleton className="h-24" />}
      {secrets?.length === 0 ? <Empty title={t("secret.none")} /> : null}
      {secrets?.length ? (
        <Rows head={[t("secret.name"), t("secret.reference"), t("secret.stored"), ""]}>
          {secrets.map(({ name, created_at }) => (
            <tr key={name}>
              <td className="font-medium font-mono text-xs">{name}</td>
              <td className="font-mono text-ink-soft text-xs">{`\${secrets.${name}}`}</td>
              <td className="whitespace-nowrap">{formatMoment(created_at)}</td>
              <td className="whitespace-nowrap text-right">
                <IconButton label={t("secret.change", { name })} onClick={() => setEditing(name)}>
                  <Pencil aria-hidden className="size-4" />
                </IconButton>
                <Removal
                  label={t("secret.delete", { name })}
                  title={t("secret.deleteTitle", { name })}
                  hint={t("secret.deleteHint")}
                  verb={tc("action.delete")}
                  onRemove={() => remove(name)}
                />
              </td>
            </tr>
          ))}
        </Rows>
      ) : null}
      {editing === undefined ? null : (
        <SecretDialog
          given={editing}
          taken={secrets?.map(({ name }) => name) ?? []}
          onClose={() => setEditing(undefined)}
        />
      )}
    </Part>
  );
}

interface SecretDialogProps {
  given: string;
  taken: readonly string[];
  onClose: () => void;
}

function SecretDialog({ given, taken, onClose }: SecretDialogProps) {
  const { t } = useTranslation("settings");
  const { t: tc } = useTranslation();
  const queries = useQueryClient();
  const [name, setName] = useState(given);
  const [value, setValue] = useState("");
  const store = useMutation({
    mutationFn: () => api.PUT("/api/v1/secrets/{name}", { params: { path: { name } }, body: { value } }),
    onSuccess: () => {
      void queries.invalidateQueries(secretsQuery);
      toast(t("secret.done", { name }));
      onClose();
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    store.mutate();
  };
  const wrong = name !== "" && !NAME.test(name);
  const replaces = !given && taken.includes(name);
  return (
    <Dialog open onClose={onClose} title={given ? t("secret.change", { name: given }) : t("secret.add")}>
      <form onSubmit={submit} className="space-y-4">
        <Field
          label={t("secret.name")}
          hint={replaces ? t("secret.replaces") : t("secret.nameHint")}
          error={wrong ? t("secret.wrongName") : undefined}
        >
          {(control) => (
            <TextInput
              {...control}
              className="font-mono"
              autoFocus={!given}
              disabled={Boolean(given)}
              placeholder={EXAMPLES.secret}
              value={name}
              onChange={(event) => setName(event.target.value.toUpperCase())}
            />
          )}
        </Field>
        <Field label={t("secret.value")} hint={t("secret.valueHint")}>
          {(control) => (
            <TextArea
              {...control}
              autoFocus={Boolean(given)}
              autoComplete="off"
              spellCheck={false}
              className="[-webkit-text-security:disc]"
              value={value}
              onChange={(event) => setValue(event.target.value)}
            />
          )}
        </Field>
        {store.error ? <ProblemNote problem={store.error} /> : null}
        <div className="flex justify-end">
          <Button type="submit" kind="primary" disabled={!NAME.test(name) || !value || store.isPending}>
            {tc("action.save")}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
