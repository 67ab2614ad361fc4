/** A user's tokens: issue one, which is shown once, and revoke them. */
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Copy, KeyRound } from "lucide-react";
import { type FormEvent, useState } from "react";
import { useTranslation } from "react-i18next";
import { api, data } from "@/api/client";
import { formatMoment } from "@/i18n/format";
import { Button, IconButton } from "@/ui/Button";
import { copyText } from "@/ui/copy";
import { Dialog } from "@/ui/Dialog";
import { Field, Select, TextInput } from "@/ui/Field";
import { ProblemNote } from "@/ui/ProblemNote";
import { Skeleton } from "@/ui/Skeleton";
import { toast, toastProblem } from "@/ui/toast";
import { Rows } from "./Part";
import { type NewToken, tokensQuery } from "./queries";
import { Removal } from "./Removal";

/** Days until a token expires; 0: never. */
const LIFETIMES = [7, 30, 90, 365, 0] as const;

export function Tokens({ name }: { name: string }) {
  const { t } = useTranslation("settings");
  const queries = useQueryClient();
  const { data: tokens, error } = useQuery(tokensQuery(name));
  const revoke = async (id: string) => {
    await api.DELETE("/api/v1/users/{name}/tokens/{token_id}", { params: { path: { name, token_id: id } } });
    await queries.invalidateQueries(tokensQuery(name));
  };
  if (error) return <ProblemNote problem={error} />;
  if (!tokens) return <Skeleton className="h-24" />;
  if (!tokens.length) return <p className="text-ink-faint">{t("token.none")}</p>;
  return (
    <Rows head={[t("token.label"), t("token.id"), t("token.issued"), t("token.expires"), ""]}>
      {tokens.map(({ id, label, created_at, expires_at }) => (
        <tr key={id}>
          <td className="font-medium">{label}</td>
          <td className="font-mono text-ink-soft text-xs">{id}</td>
          <td className="whitespace-nowrap">{formatMoment(created_at)}</td>
          <td className="whitespace-nowrap">{expires_at ? formatMoment(expires_at) : t("token.never")}</td>
          <td className="text-right">
            <Removal
              label={t("token.revoke", { label })}
              title={t("token.revokeTitle", { label })}
              hint={t("token.revokeHint")}
              verb={t("token.revokeVerb")}
              onRemove={() => revoke(id)}
            />
          </td>
        </tr>
      ))}
    </Rows>
  );
}

export function IssueToken({ name }: { name: string }) {
  const { t } = useTranslation("settings");
  const [open, setOpen] = useState(false);
  const [made, setMade] = useState<NewToken>();
  return (
    <>
      <Button onClick={() => setOpen(true)}>
        <KeyRound aria-hidden className="size-4" />
        {t("token.issue")}
      </Button>
      <Dialog
        open={open}
        onClose={() => {
          setOpen(false);
          setMade(undefined);
        }}
        title={made ? t("token.made") : t("token.issueFor", { name })}
      >
        {made ? <Shown token={made} /> : <Wish name={name} onMade={setMade} />}
      </Dialog>
    </>
  );
}

function Wish({ name, onMade }: { name: string; onMade: (token: NewToken) => void }) {
  const { t } = useTranslation("settings");
  const queries = useQueryClient();
  const [label, setLabel] = useState("");
  const [days, setDays] = useState<number>(90);
  const issue = useMutation({
    mutationFn: () =>
      data(
        api.POST("/api/v1/users/{name}/tokens", {
          params: { path: { name } },
          body: { label: label.trim(), ...(days ? { days } : {}) },
        }),
      ),
    onSuccess: (token) => {
      onMade(token);
      void queries.invalidateQueries(tokensQuery(name));
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    issue.mutate();
  };
  return (
    <form onSubmit={submit} className="space-y-4">
      <Field label={t("token.label")} hint={t("token.labelHint")}>
        {(control) => (
          <TextInput
            {...control}
            autoFocus
            maxLength={100}
            value={label}
            onChange={(event) => setLabel(event.target.value)}
          />
        )}
      </Field>
      <Field label={t("token.expires")}>
        {(control) => (
          <Select {...control} value={days} onChange={(event) => setDays(Number(event.target.value))}>
            {LIFETIMES.map((one) => (
              <option key={one} value={one}>
                {one ? t("token.days", { count: one }) : t("token.never")}
              </option>
            ))}
          </Select>
        )}
      </Field>
      {issue.error ? <ProblemNote problem={issue.error} /> : null}
      <div className="flex justify-end">
        <Button type="submit" kind="primary" disabled={!label.trim() || issue.isPending}>
          {t("token.issue")}
        </Button>
      </div>
    </form>
  );
}

function Shown({ token }: { token: NewToken }) {
  const { t } = useTranslation("settings");
  const { t: tc } = useTranslation();
  return (
    <div className="space-y-2">
      <p>{t("token.once")}</p>
      <div className="flex items-center gap-2">
        <code className="min-w-0 flex-1 break-all rounded-md bg-sunken px-3 py-2 text-xs">{token.token}</code>
        <IconButton
          label={tc("action.copy")}
          onClick={() => copyText(token.token).then(() => toast(tc("action.copied")), toastProblem)}
        >
          <Copy aria-hidden className="size-4" />
        </IconButton>
      </div>
    </div>
  );
}
