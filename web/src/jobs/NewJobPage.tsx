/** One job without a workflow: its form. What was typed stays, whatever happens to the tab. */
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { Play } from "lucide-react";
import { useRef } from "react";
import { useTranslation } from "react-i18next";
import { Link, useNavigate } from "react-router";
import { ApiProblem, api, data } from "@/api/client";
import { type JobDraft, problemsOf, toCreate } from "@/fields/draft";
import { JobFields } from "@/fields/JobFields";
import { flushScript } from "@/fields/useScriptText";
import { Button } from "@/ui/Button";
import { Checkbox, Field, TextInput } from "@/ui/Field";
import { ProblemNote } from "@/ui/ProblemNote";
import { useTitle } from "@/ui/useTitle";
import { sent, useUploadOf } from "@/uploads/uploads";
import { useNewJob } from "./newJob";
import { idempotencyKey, lookAgain } from "./queries";

const KEEP_AS = "new-job";

/** Uploads may still be going on; the job is submitted once its files are there. */
async function submit(typed: JobDraft, key: string) {
  const script = (await flushScript(KEEP_AS)) ?? typed.script;
  const draft = script ? { ...typed, script } : typed;
  for (const file of [draft.script, draft.dependencies]) if (file) await sent(file.sha256);
  return data(
    api.POST("/api/v1/jobs", {
      body: toCreate(draft),
      params: { header: { "Idempotency-Key": key } },
    }),
  );
}

/** A field that was changed since is not blamed any more. */
function stillThere(problems: Record<string, string>, sent: JobDraft | undefined, now: JobDraft) {
  const at = (draft: JobDraft | undefined, field: string) =>
    JSON.stringify((draft as Record<string, unknown> | undefined)?.[field.split(".")[0] ?? ""]);
  return Object.fromEntries(
    Object.entries(problems).filter(([field]) => field === "" || at(sent, field) === at(now, field)),
  );
}

export function NewJobPage() {
  const { t } = useTranslation("jobs");
  useTitle(t("new"));
  const { draft, change, clear } = useNewJob();
  const queries = useQueryClient();
  const navigate = useNavigate();
  const form = useRef<HTMLFormElement>(null);
  // The same wish under the same key: a second click after a lost answer makes no second job.
  const wish = useRef({ draft, key: idempotencyKey() });
  if (wish.current.draft !== draft) wish.current = { draft, key: idempotencyKey() };
  const act = useMutation({
    mutationFn: (typed: JobDraft) => submit(typed, wish.current.key),
    onSuccess: (job) => {
      lookAgain(queries);
      clear();
      void navigate(`/jobs/${job.id}`);
    },
    // After the marks are there.
    onError: () => setTimeout(() => form.current?.querySelector<HTMLElement>("[aria-invalid=true]")?.focus()),
  });
  const refused =
    act.error instanceof ApiProblem ? stillThere(problemsOf(act.error), act.variables, draft) : {};
  const elsewhere = act.error && (!(act.error instanceof ApiProblem) || refused[""] !== undefined);
  const uploading = useUploadOf(draft.dependencies?.sha256)?.state === "sending";
  return (
    <form
      ref={form}
      className="mx-auto flex max-w-3xl flex-col gap-5 px-6 py-5"
      onSubmit={(event) => {
        event.preventDefault();
        act.mutate(draft);
      }}
    >
      <header>
        <h1 className="font-semibold text-lg">{t("form.title")}</h1>
        <p className="text-ink-soft">{t("form.hint")}</p>
      </header>
      <Field label={t("form.name")} hint={t("form.nameHint")} error={refused["name"]}>
        {(control) => (
          <TextInput
            {...control}
            value={draft.name ?? ""}
            placeholder={draft.script?.name ?? ""}
            onChange={(event) => change("name", event.target.value || undefined)}
          />
        )}
      </Field>
      <JobFields value={draft} onChange={change} problems={refused} keepAs={KEEP_AS} />
      <footer className="sticky bottom-0 -mx-6 flex flex-wrap items-center gap-3 border-line border-t bg-page px-6 py-3">
        {elsewhere && act.error ? <ProblemNote problem={act.error} className="basis-full" /> : null}
        {Object.keys(refused).length && !elsewhere ? (
          <p role="alert" className="basis-full text-danger">
            {t("form.refused")}
          </p>
        ) : null}
        <div className="basis-full empty:hidden">
          {act.error instanceof ApiProblem && act.error.code.startsWith("script_") ? (
            <Checkbox
              label={t("form.ignoreWarnings")}
              checked={draft.ignore_warnings ?? false}
              onChange={(event) => change("ignore_warnings", event.target.checked || undefined)}
            />
          ) : null}
        </div>
        <Button type="submit" kind="primary" disabled={!draft.script || act.isPending}>
          <Play aria-hidden className="size-4" />
          {act.isPending ? (uploading ? t("form.uploading") : t("form.submitting")) : t("form.submit")}
        </Button>
        <Link to="/jobs" className="text-ink-soft hover:underline">
          {t("form.later")}
        </Link>
        {draft.script ? null : <span className="text-ink-faint">{t("form.scriptNeeded")}</span>}
        <Button kind="quiet" className="ml-auto" onClick={clear}>
          {t("form.clear")}
        </Button>
      </footer>
    </form>
  );
}
