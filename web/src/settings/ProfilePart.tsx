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
import { meQuery } from "./queries";
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
      <Part title={t("token.title")} hint={t("token.hint")} action={<IssueToken name={me.name} />}>
        <Tokens name={me.name} />
      </Part>
    </>
  );
}
