import { type FormEvent, useState } from "react";
import { useTranslation } from "react-i18next";
import { ApiProblem } from "@/api/client";
import { Button } from "@/ui/Button";
import { Field, TextInput } from "@/ui/Field";
import { ProblemNote } from "@/ui/ProblemNote";
import { useSignIn } from "./session";

export function SignInForm() {
  const { t } = useTranslation();
  const [token, setToken] = useState("");
  const signIn = useSignIn();
  const refused = signIn.error instanceof ApiProblem && signIn.error.status === 401;

  function submit(event: FormEvent) {
    event.preventDefault();
    signIn.mutate(token.trim());
  }

  return (
    <form onSubmit={submit}>
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
  );
}
