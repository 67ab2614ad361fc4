/** Who may come in; for administrators. */
import { useQuery } from "@tanstack/react-query";
import { Ban, CircleCheck, Pencil, UserPlus } from "lucide-react";
import { type FormEvent, useState } from "react";
import { useTranslation } from "react-i18next";
import { formatMoment } from "@/i18n/format";
import { Button, IconButton } from "@/ui/Button";
import { Dialog } from "@/ui/Dialog";
import { Field, Select, TextInput } from "@/ui/Field";
import { ProblemNote } from "@/ui/ProblemNote";
import { Skeleton } from "@/ui/Skeleton";
import { toastProblem } from "@/ui/toast";
import { Part, Rows } from "./Part";
import { Held, QuotaDialog } from "./Quota";
import { meQuery, type UserAccount, usersQuery } from "./queries";
import { IssueToken, Tokens } from "./Tokens";
import { type UserChanges, useChangeUser, usePutUser } from "./userChanges";

const NAME = /^[a-z0-9][a-z0-9._@-]{0,62}$/;
type Role = UserAccount["role"];

export function UsersPart() {
  const { t } = useTranslation("settings");
  const { data: users, error } = useQuery(usersQuery);
  const [adding, setAdding] = useState(false);
  const [limited, setLimited] = useState<UserAccount>();
  const [shown, setShown] = useState<string>();
  return (
    <Part
      title={t("part.users")}
      hint={t("user.hint")}
      action={
        <Button onClick={() => setAdding(true)}>
          <UserPlus aria-hidden className="size-4" />
          {t("user.add")}
        </Button>
      }
    >
      {error ? <ProblemNote problem={error} /> : null}
      {users || error ? null : <Skeleton className="h-32" />}
      {users ? (
        <Rows head={[t("user.name"), t("user.role"), t("user.access"), t("quota.title"), ""]}>
          {users.map((user) => (
            <UserRow
              key={user.name}
              user={user}
              onQuota={() => setLimited(user)}
              onTokens={() => setShown(user.name)}
            />
          ))}
        </Rows>
      ) : null}
      {adding ? (
        <AddUser taken={users?.map(({ name }) => name) ?? []} onClose={() => setAdding(false)} />
      ) : null}
      {limited ? <QuotaDialog user={limited} onClose={() => setLimited(undefined)} /> : null}
      {shown ? (
        <Dialog
          open
          wide
          onClose={() => setShown(undefined)}
          title={t("token.of", { name: shown })}
          actions={<IssueToken name={shown} />}
        >
          <Tokens name={shown} />
        </Dialog>
      ) : null}
    </Part>
  );
}

interface UserRowProps {
  user: UserAccount;
  onQuota: () => void;
  onTokens: () => void;
}

function UserRow({ user, onQuota, onTokens }: UserRowProps) {
  const { t } = useTranslation("settings");
  const { data: me } = useQuery(meQuery);
  const { mutate, isPending } = useChangeUser(user.name);
  const change = (changes: UserChanges) => mutate(changes, { onError: toastProblem });
  // Nobody shuts the door from inside; the platform would refuse it too.
  const fixed = user.name === me?.name || user.name === "admin";
  const Icon = user.disabled ? Ban : CircleCheck;
  return (
    <tr>
      <td>
        <span className="font-medium">{user.name}</span>
        <span className="block whitespace-nowrap text-ink-faint text-xs">
          {t("user.since", { moment: formatMoment(user.created_at) })}
        </span>
      </td>
      <td>
        <Select
          className="w-36!"
          aria-label={t("user.roleOf", { name: user.name })}
          disabled={fixed || isPending}
          value={user.role}
          onChange={(event) => change({ role: event.target.value as Role })}
        >
          <option value="user">{t("role.user")}</option>
          <option value="admin">{t("role.admin")}</option>
        </Select>
      </td>
      <td>
        <span className="flex items-center gap-1.5">
          <Icon
            aria-hidden
            className={`size-4 ${user.disabled ? "text-state-cancelled" : "text-state-succeeded"}`}
          />
          {user.disabled ? t("user.disabled") : t("user.enabled")}
        </span>
      </td>
      <td>
        <span className="flex items-center gap-2">
          <dl className="grid grid-cols-[auto_auto] gap-x-2 whitespace-nowrap text-xs">
            <dt className="text-ink-faint">{t("quota.gpus")}</dt>
            <dd>
              <Held held={user.held_gpus} most={user.max_gpus} />
            </dd>
            <dt className="text-ink-faint">{t("quota.cpus")}</dt>
            <dd>
              <Held held={user.held_cpus} most={user.max_cpus} />
            </dd>
          </dl>
          <IconButton label={t("quota.change")} onClick={onQuota}>
            <Pencil aria-hidden className="size-4" />
          </IconButton>
        </span>
      </td>
      <td className="whitespace-nowrap text-right">
        <span className="inline-flex gap-2">
          <Button onClick={onTokens}>{t("user.tokens")}</Button>
          <Button
            kind={user.disabled ? "plain" : "danger"}
            disabled={fixed || isPending}
            onClick={() => change({ disabled: !user.disabled })}
          >
            {user.disabled ? t("user.enable") : t("user.disable")}
          </Button>
        </span>
      </td>
    </tr>
  );
}

function AddUser({ taken, onClose }: { taken: readonly string[]; onClose: () => void }) {
  const { t } = useTranslation("settings");
  const [name, setName] = useState("");
  const [role, setRole] = useState<Role>("user");
  const put = usePutUser();
  const submit = (event: FormEvent) => {
    event.preventDefault();
    put.mutate({ name, role, disabled: false }, { onSuccess: onClose });
  };
  const wrong = name !== "" && !NAME.test(name);
  const there = taken.includes(name);
  return (
    <Dialog open onClose={onClose} title={t("user.add")} description={t("user.addHint")}>
      <form onSubmit={submit} className="space-y-4">
        <Field
          label={t("user.name")}
          hint={t("user.nameHint")}
          error={there ? t("user.there") : wrong ? t("user.wrongName") : undefined}
        >
          {(control) => (
            <TextInput
              {...control}
              autoFocus
              value={name}
              onChange={(event) => setName(event.target.value.toLowerCase())}
            />
          )}
        </Field>
        <Field label={t("user.role")} hint={t("user.roleHint")}>
          {(control) => (
            <Select {...control} value={role} onChange={(event) => setRole(event.target.value as Role)}>
              <option value="user">{t("role.user")}</option>
              <option value="admin">{t("role.admin")}</option>
            </Select>
          )}
        </Field>
        {put.error ? <ProblemNote problem={put.error} /> : null}
        <div className="flex justify-end">
          <Button type="submit" kind="primary" disabled={!NAME.test(name) || there || put.isPending}>
            {t("user.add")}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
