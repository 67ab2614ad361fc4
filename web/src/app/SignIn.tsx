import { type FormEvent, useState } from "react";
import { useTranslation } from "react-i18next";
import { ApiProblem } from "@/api/client";
import { Button } from "@/ui/Button";
import { Field, TextInput } from "@/ui/Field";
import { ProblemNote } from "@/ui/ProblemNote";
import { Logo } from "./Logo";
import { LanguageMenu, ThemeMenu } from "./LooksMenus";
import { useSignIn } from "./session";

export function SignIn() {
  const { t } = useTranslation();
  const [token, setToken] = useState("");
  const signIn = useSignIn();
  const refused = signIn.error instanceof ApiProblem && signIn.error.status === 401;

  function submit(event: FormEvent) {
    event.preventDefault();
    signIn.mutate(token.trim());
  }

  return (
    <main className="grid h-full place-items-center p-6">
      <form
        onSubmit={submit}
        className="w-full max-w-sm rounded-xl border border-line bg-surface p-8 shadow-sm"
      >
        <div className="mb-6 flex items-center gap-3">
          <Logo className="size-9" />
          <h1 className="mr-auto text-lg font-semibold">{t("signIn.title")}</h1>
          <LanguageMenu />
          <ThemeMenu />
        </div>
        <Field
          label={t("signIn.token")}
          hint={t("signIn.hint")}
          error={refused ? t("signIn.refused") : undefined}
        >
          {(control) => (
            <TextInput
              {...control}
              type="password"
              autoComplete="current-password"
              value={token}
              autoFocus
              onChange={(event) => setToken(event.target.value)}
            />
          )}
        </Field>
        {signIn.error && !refused ? <ProblemNote problem={signIn.error} className="mt-4" /> : null}
        <Button
          type="submit"
          kind="primary"
          className="mt-6 w-full"
          disabled={!token.trim() || signIn.isPending}
        >
          {t("signIn.submit")}
        </Button>
      </form>
    </main>
  );
}
