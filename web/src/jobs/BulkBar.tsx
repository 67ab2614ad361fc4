/** What can be done to the chosen jobs, and a summary of what was. */

import { useMutation, useQueryClient } from "@tanstack/react-query";
import { Ban, RotateCw, Trash2, X } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { messageOf } from "@/i18n/said";
import { Button, IconButton } from "@/ui/Button";
import { Dialog } from "@/ui/Dialog";
import { toast } from "@/ui/toast";
import { applies, doAll, type Summary, type Verb } from "./bulk";
import { type Job, lookAgain } from "./queries";

const ICONS = { cancel: Ban, again: RotateCw, delete: Trash2 };

export function BulkBar({ jobs, onDone }: { jobs: readonly Job[]; onDone: () => void }) {
  const { t } = useTranslation("jobs");
  const { t: tc } = useTranslation();
  const queries = useQueryClient();
  const [asked, setAsked] = useState<Exclude<Verb, "again">>();
  const [told, setTold] = useState<Summary>();
  const act = useMutation({
    mutationFn: (verb: Verb) => doAll(verb, jobs),
    onSuccess: (summary) => {
      lookAgain(queries);
      onDone();
      if (summary.failed.length) setTold(summary);
      else toast(sentence(summary));
    },
    onSettled: () => setAsked(undefined),
  });
  const sentence = ({ verb, done, skipped, failed }: Summary) =>
    [
      t(`bulk.${verb}Done`, { count: done.length }),
      skipped.length ? t("bulk.skipped", { count: skipped.length }) : "",
      failed.length ? t("bulk.failed", { count: failed.length }) : "",
    ]
      .filter(Boolean)
      .join(" ");
  const fitting = (verb: Verb) => jobs.filter((job) => applies(verb, job)).length;
  return (
    <>
      {jobs.length ? (
        <section
          aria-label={t("bulk.label")}
          className="flex items-center gap-2 border-line border-t bg-raised px-6 py-2 shadow-lg"
        >
          <span className="mr-2 font-medium">{t("bulk.chosen", { count: jobs.length })}</span>
          {(["cancel", "again", "delete"] as const).map((verb) => {
            const Icon = ICONS[verb];
            return (
              <Button
                key={verb}
                kind={verb === "delete" ? "danger" : "plain"}
                disabled={!fitting(verb) || act.isPending}
                onClick={() => (verb === "again" ? act.mutate(verb) : setAsked(verb))}
              >
                <Icon aria-hidden className="size-4" />
                {t(`bulk.${verb}`, { count: fitting(verb) })}
              </Button>
            );
          })}
          <IconButton label={t("bulk.none")} className="ml-auto" onClick={onDone}>
            <X aria-hidden className="size-4" />
          </IconButton>
        </section>
      ) : null}
      {asked ? (
        <Dialog
          open
          onClose={() => setAsked(undefined)}
          title={t(`bulk.${asked}Title`, { count: fitting(asked) })}
          actions={
            <>
              <Button onClick={() => setAsked(undefined)}>{tc("action.back")}</Button>
              <Button kind="danger" disabled={act.isPending} onClick={() => act.mutate(asked)}>
                {t(`bulk.${asked}`, { count: fitting(asked) })}
              </Button>
            </>
          }
        >
          <p>{t(`bulk.${asked}Hint`)}</p>
          {fitting(asked) < jobs.length ? (
            <p className="mt-2 text-ink-soft">{t("bulk.skip", { count: jobs.length - fitting(asked) })}</p>
          ) : null}
        </Dialog>
      ) : null}
      {told ? (
        <Dialog
          open
          onClose={() => setTold(undefined)}
          title={t("bulk.summary")}
          actions={<Button onClick={() => setTold(undefined)}>{tc("action.close")}</Button>}
        >
          <p>{sentence(told)}</p>
          <ul className="mt-2 space-y-1">
            {told.failed.map(({ job, problem }) => (
              <li key={job.id}>
                <span className="font-medium">{job.name}</span>: {messageOf(problem)}
              </li>
            ))}
          </ul>
        </Dialog>
      ) : null}
    </>
  );
}
