/** What is to be known of an imported file, and is told this once. */
import { useTranslation } from "react-i18next";
import type { Schema } from "@/api/client";
import { faultOf } from "@/i18n/said";
import { Button } from "@/ui/Button";
import { Dialog } from "@/ui/Dialog";

export type Imported = Schema<"ImportedWorkflow">;

/** Faults that a canvas can't show: it has no place for an edge without an end. */
const UNSEEN = "edge_to_nowhere";

function faultsOf({ problems, warnings }: Imported): string[] {
  const unseen = (problems ?? []).filter(({ code }) => code === UNSEEN);
  return [...unseen, ...(warnings ?? [])].map(faultOf);
}

/** Whether there is anything to be told before it is opened. */
export function tellsMore(made: Imported): boolean {
  return faultsOf(made).length > 0 || Boolean(made.notifications?.length);
}

export function ImportedDialog({ made, onOpen }: { made: Imported; onOpen: () => void }) {
  const { t } = useTranslation("workflows");
  const faults = faultsOf(made);
  return (
    <Dialog
      open
      onClose={onOpen}
      title={t("imported.title", { name: made.name })}
      actions={
        <Button kind="primary" onClick={onOpen}>
          {t("imported.open")}
        </Button>
      }
    >
      <div className="space-y-4">
        {faults.length ? (
          <section>
            <h3 className="mb-1 font-medium">{t("imported.faults")}</h3>
            <ul className="list-disc space-y-1 pl-5">
              {faults.map((fault) => (
                <li key={fault}>{fault}</li>
              ))}
            </ul>
          </section>
        ) : null}
        {made.notifications?.length ? (
          <section className="rounded-md border border-warning bg-warning-soft p-3">
            <h3 className="font-medium">{t("imported.keys")}</h3>
            <dl className="mt-1 space-y-2">
              {made.notifications.map(({ id, url, secret }) => (
                <div key={id}>
                  <dt className="break-all">{url}</dt>
                  <dd className="break-all font-mono text-xs">{secret}</dd>
                </div>
              ))}
            </dl>
          </section>
        ) : null}
      </div>
    </Dialog>
  );
}
