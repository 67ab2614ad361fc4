/** Who one is, and the tokens one's programs come with. */
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { LogOut } from "lucide-react";
import { useTranslation } from "react-i18next";
import { api } from "@/api/client";
import { Button } from "@/ui/Button";
import { ProblemNote } from "@/ui/ProblemNote";
import { Skeleton } from "@/ui/Skeleton";
import { toastProblem } from "@/ui/toast";
import { Part } from "./Part";
import { Held } from "./Quota";
import { meQuery, userQuery } from "./queries";
import { IssueToken, Tokens } from "./Tokens";

export function ProfilePart() {
  const { t } = useTranslation("settings");
  const { t: tc } = useTranslation();
  const queries = useQueryClient();
  const { data: me, error } = useQuery(meQuery);
  const signOut = useMutation({
    mutationFn: () => api.DELETE("/api/v1/session"),
    onSuccess: () => {
      queries.clear();
      location.assign("/");
    },
    onError: toastProblem,
  });
  if (error) return <ProblemNote problem={error} />;
  if (!me) return <Skeleton className="h-40" />;
  return (
    <>
      <Part title={t("part.profile")} hint={t("profile.hint")}>
        <div className="flex items-center gap-4 rounded-lg border border-line bg-surface px-4 py-3">
          <span
            aria-hidden
            className="grid size-10 place-items-center rounded-full bg-accent-soft font-semibold text-accent text-base"
          >
            {me.name.slice(0, 1).toUpperCase()}
          </span>
          <div>
            <p className="font-medium text-sm">{me.name}</p>
            <p className="text-ink-soft">{t(me.role === "admin" ? "role.admin" : "role.user")}</p>
          </div>
          <Button className="ml-auto" onClick={() => signOut.mutate()}>
            <LogOut aria-hidden className="size-4" />
            {tc("signIn.out")}
          </Button>
        </div>
      </Part>
      <OwnQuota name={me.name} />
      <Part title={t("token.title")} hint={t("token.hint")} action={<IssueToken name={me.name} />}>
        <Tokens name={me.name} />
      </Part>
    </>
  );
}

function OwnQuota({ name }: { name: string }) {
  const { t } = useTranslation("settings");
  const { data: user, error } = useQuery(userQuery(name));
  return (
    <Part title={t("quota.title")} hint={t("quota.hint")}>
      {error ? <ProblemNote problem={error} /> : null}
      {user || error ? null : <Skeleton className="h-16" />}
      {user ? (
        <dl className="flex flex-wrap gap-x-12 gap-y-2 rounded-lg border border-line bg-surface px-4 py-3">
          <div>
            <dt className="text-ink-faint text-xs">{t("quota.gpus")}</dt>
            <dd>
              <Held held={user.held_gpus} most={user.max_gpus} />
            </dd>
          </div>
          <div>
            <dt className="text-ink-faint text-xs">{t("quota.cpus")}</dt>
            <dd>
              <Held held={user.held_cpus} most={user.max_cpus} />
            </dd>
          </div>
        </dl>
      ) : null}
    </Part>
  );
}
