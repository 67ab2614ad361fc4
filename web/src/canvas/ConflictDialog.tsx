/** Somebody saved first: what they changed, what one would change, and what can be done. */
import { useMutation } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { useNavigate } from "react-router";
import { Button } from "@/ui/Button";
import { Dialog } from "@/ui/Dialog";
import { DifferenceList } from "@/ui/DifferenceList";
import { toastProblem } from "@/ui/toast";
import type { Graph } from "./model/graph";
import { type Conflict, makeWorkflow } from "./server/workflow";

interface ConflictProps {
  conflict: Conflict;
  name: string;
  graph: Graph;
  onTakeTheirs: () => void;
  onOverwrite: (current: number) => void;
  onClose: () => void;
}

export function ConflictDialog({ conflict, name, graph, onTakeTheirs, onOverwrite, onClose }: ConflictProps) {
  const { t } = useTranslation("canvas");
  const navigate = useNavigate();
  const copy = useMutation({
    mutationFn: () => makeWorkflow(t("conflict.copyName", { name }), graph),
    onSuccess: (made) => {
      onClose();
      void navigate(`/workflows/${made.id}`);
    },
    onError: toastProblem,
  });
  return (
    <Dialog
      open
      wide
      onClose={onClose}
      title={t("conflict.title")}
      description={t("conflict.hint", { version: conflict.current })}
      actions={
        <>
          <Button kind="quiet" onClick={onClose}>
            {t("conflict.later")}
          </Button>
          <Button onClick={() => copy.mutate()} disabled={copy.isPending}>
            {t("conflict.copy")}
          </Button>
          <Button kind="danger" onClick={() => onOverwrite(conflict.current)}>
            {t("conflict.overwrite")}
          </Button>
          <Button kind="primary" onClick={onTakeTheirs}>
            {t("conflict.theirs")}
          </Button>
        </>
      }
    >
      <div className="grid gap-6 sm:grid-cols-2">
        <section>
          <h3 className="mb-2 font-semibold">{t("conflict.theyChanged")}</h3>
          <DifferenceList changes={conflict.theirs.changes} />
        </section>
        <section>
          <h3 className="mb-2 font-semibold">{t("conflict.youWould")}</h3>
          <DifferenceList changes={conflict.yours.changes} />
        </section>
      </div>
    </Dialog>
  );
}
