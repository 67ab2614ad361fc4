/** The job as a command or program that submits it again from elsewhere. */
import { ClipboardCopy, Code, Terminal } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Button } from "@/ui/Button";
import { copyText } from "@/ui/copy";
import { Dialog } from "@/ui/Dialog";
import { Menu, MenuItem } from "@/ui/Menu";
import { toast, toastProblem } from "@/ui/toast";
import { asCommand, asCurl, asPython } from "../copyAs";
import type { Job } from "../queries";

const FORMS = {
  curl: { make: asCurl, icon: Terminal },
  cli: { make: asCommand, icon: Terminal },
  python: { make: asPython, icon: Code },
} as const;
type Form = keyof typeof FORMS;

export function CopyAs({ job }: { job: Job }) {
  const { t } = useTranslation("jobs");
  const { t: tc } = useTranslation();
  const [form, setForm] = useState<Form>();
  const text = form ? FORMS[form].make(job.spec, location.origin) : "";
  const choose = (chosen: Form) => {
    setForm(chosen);
    copyText(FORMS[chosen].make(job.spec, location.origin)).then(
      () => toast(tc("action.copied")),
      toastProblem,
    );
  };
  return (
    <>
      <Menu
        trigger={
          <Button>
            <ClipboardCopy aria-hidden className="size-4" />
            {t("copyAs.label")}
          </Button>
        }
      >
        {(Object.keys(FORMS) as Form[]).map((one) => (
          <MenuItem key={one} icon={FORMS[one].icon} onSelect={() => choose(one)}>
            {t(`copyAs.${one}`)}
          </MenuItem>
        ))}
      </Menu>
      {form ? (
        <Dialog
          open
          wide
          onClose={() => setForm(undefined)}
          title={t(`copyAs.${form}`)}
          description={t("copyAs.hint")}
          actions={<Button onClick={() => choose(form)}>{tc("action.copy")}</Button>}
        >
          {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reached by keys */}
          <pre tabIndex={0} className="overflow-auto rounded-md bg-sunken p-3 font-mono text-xs">
            {text}
          </pre>
        </Dialog>
      ) : null}
    </>
  );
}
