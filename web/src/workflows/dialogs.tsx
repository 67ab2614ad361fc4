import { type FormEvent, useState } from "react";
import { useTranslation } from "react-i18next";
import { Button } from "@/ui/Button";
import { Dialog } from "@/ui/Dialog";
import { Field, TextInput } from "@/ui/Field";
import { ProblemNote } from "@/ui/ProblemNote";
import { type Listed, remove, rename, useDoing } from "./queries";

interface OneProps {
  workflow: Listed;
  onClose: () => void;
}

export function RenameDialog({ workflow, onClose }: OneProps) {
  const { t } = useTranslation(["workflows", "common"]);
  const [name, setName] = useState(workflow.name);
  const renaming = useDoing(rename, onClose);

  function submit(event: FormEvent): void {
    event.preventDefault();
    renaming.mutate({ id: workflow.id, name: name.trim() });
  }

  return (
    <Dialog
      open
      onClose={onClose}
      title={t("rename.title")}
      actions={
        <>
          <Button onClick={onClose}>{t("common:action.cancel")}</Button>
          <Button kind="primary" type="submit" form="rename" disabled={!name.trim() || renaming.isPending}>
            {t("common:action.rename")}
          </Button>
        </>
      }
    >
      <form id="rename" onSubmit={submit}>
        <Field label={t("rename.name")}>
          {(control) => (
            <TextInput
              {...control}
              maxLength={200}
              value={name}
              onFocus={(event) => event.target.select()}
              onChange={(event) => setName(event.target.value)}
            />
          )}
        </Field>
      </form>
    </Dialog>
  );
}

export function DeleteDialog({ workflow, onClose }: OneProps) {
  const { t } = useTranslation(["workflows", "common"]);
  const removing = useDoing(remove, onClose);
  return (
    <Dialog
      open
      onClose={onClose}
      title={t("delete.title", { name: workflow.name })}
      description={t("delete.hint")}
      actions={
        <>
          <Button onClick={onClose}>{t("common:action.cancel")}</Button>
          <Button kind="danger" disabled={removing.isPending} onClick={() => removing.mutate(workflow.id)}>
            {t("common:action.delete")}
          </Button>
        </>
      }
    >
      {removing.error ? (
        <ProblemNote problem={removing.error} />
      ) : (
        <p>{t("delete.gone", { count: workflow.nodes })}</p>
      )}
    </Dialog>
  );
}
