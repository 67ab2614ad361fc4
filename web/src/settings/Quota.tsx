/** How much of all workers a user's jobs hold at once, and may hold. */
import { type FormEvent, useState } from "react";
import { useTranslation } from "react-i18next";
import { formatCount } from "@/i18n/format";
import { Button } from "@/ui/Button";
import { Dialog } from "@/ui/Dialog";
import { Field, TextInput } from "@/ui/Field";
import { ProblemNote } from "@/ui/ProblemNote";
import { toast } from "@/ui/toast";
import type { UserAccount } from "./queries";
import { useChangeUser } from "./userChanges";

const MOST = 1_000_000;

export function Held({ held, most }: { held: number; most: number | null | undefined }) {
  const { t } = useTranslation("settings");
  return typeof most === "number"
    ? t("quota.ofMost", { held: formatCount(held), most: formatCount(most) })
    : t("quota.ofAny", { held: formatCount(held) });
}

/** What was typed as a limit: null is none; undefined, if it is no number. */
function limitOf(typed: string): number | null | undefined {
  const text = typed.trim();
  if (text === "") return null;
  return /^\d+$/.test(text) && Number(text) <= MOST ? Number(text) : undefined;
}

export function QuotaDialog({ user, onClose }: { user: UserAccount; onClose: () => void }) {
  const { t } = useTranslation("settings");
  const { t: tc } = useTranslation();
  const [gpus, setGpus] = useState(`${user.max_gpus ?? ""}`);
  const [cpus, setCpus] = useState(`${user.max_cpus ?? ""}`);
  const change = useChangeUser(user.name);
  const max_gpus = limitOf(gpus);
  const max_cpus = limitOf(cpus);
  const wrong = max_gpus === undefined || max_cpus === undefined;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (wrong) return;
    const done = () => {
      toast(t("quota.done", { name: user.name }));
      onClose();
    };
    change.mutate({ max_gpus, max_cpus }, { onSuccess: done });
  };
  const amount = (label: string, typed: string, set: (typed: string) => void) => (
    <Field label={label} error={limitOf(typed) === undefined ? t("quota.wrong") : undefined}>
      {(control) => (
        <TextInput
          {...control}
          inputMode="numeric"
          placeholder={t("quota.unlimited")}
          value={typed}
          onChange={(event) => set(event.target.value)}
        />
      )}
    </Field>
  );
  return (
    <Dialog
      open
      onClose={onClose}
      title={t("quota.of", { name: user.name })}
      description={t("quota.editHint")}
    >
      <form onSubmit={submit} className="space-y-4">
        <div className="grid grid-cols-2 gap-4">
          {amount(t("quota.gpus"), gpus, setGpus)}
          {amount(t("quota.cpus"), cpus, setCpus)}
        </div>
        {change.error ? <ProblemNote problem={change.error} /> : null}
        <div className="flex justify-end">
          <Button type="submit" kind="primary" disabled={wrong || change.isPending}>
            {tc("action.save")}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
