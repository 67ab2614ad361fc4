/** A button that removes something, and asks before it does. */
import { Trash2 } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Button, IconButton } from "@/ui/Button";
import { Dialog } from "@/ui/Dialog";
import { ProblemNote } from "@/ui/ProblemNote";

interface RemovalProps {
  label: string;
  title: string;
  hint: string;
  verb: string;
  onRemove: () => Promise<unknown>;
}

export function Removal({ label, title, hint, verb, onRemove }: RemovalProps) {
  const { t } = useTranslation();
  const [asked, setAsked] = useState(false);
  const [problem, setProblem] = useState<Error>();
  const close = () => {
    setAsked(false);
    setProblem(undefined);
  };
  return (
    <>
      <IconButton label={label} onClick={() => setAsked(true)}>
        <Trash2 aria-hidden className="size-4" />
      </IconButton>
      <Dialog
        open={asked}
        onClose={close}
        title={title}
        actions={
          <>
            <Button onClick={close}>{t("action.cancel")}</Button>
            <Button kind="danger" onClick={() => void onRemove().then(close, setProblem)}>
              {verb}
            </Button>
          </>
        }
      >
        <p>{hint}</p>
        {problem ? <ProblemNote problem={problem} className="mt-3" /> : null}
      </Dialog>
    </>
  );
}
