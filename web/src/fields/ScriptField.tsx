/** The entry script: a file, written here, or one of an earlier job. */
import { useQuery } from "@tanstack/react-query";
import { FilePlus2, FileUp, History, Maximize2 } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { CodeEditor } from "@/editor/CodeEditor";
import { formatMoment } from "@/i18n/format";
import { Button, IconButton } from "@/ui/Button";
import { Dialog } from "@/ui/Dialog";
import { Field, TextInput } from "@/ui/Field";
import { Menu, MenuItem, MenuLabel } from "@/ui/Menu";
import { ProblemNote } from "@/ui/ProblemNote";
import { type FileRef, upload, useUploadOf } from "@/uploads/uploads";
import { problemAt } from "./draft";
import { DropZone, PickButton, UploadLine } from "./Files";
import { Note } from "./Note";
import type { JobFieldProps } from "./props";
import { earlierScriptsQuery } from "./queries";
import { useScriptText } from "./useScriptText";

const EXAMPLE = `import torch

print("torch", torch.__version__, "CUDA", torch.cuda.is_available())
`;
/** Beyond it a file is no script that anybody edits here. */
const MAX_EDITED = 1024 * 1024;

export function ScriptField({ value, onChange, problems, disabled, aside, keepAs }: JobFieldProps) {
  const { t } = useTranslation("fields");
  const [large, setLarge] = useState(false);
  const named = (ref: FileRef) => onChange("script", ref);
  const script = useScriptText(value.script, keepAs, named);
  const going = useUploadOf(value.script?.sha256);
  const shown = value.script !== undefined || script.unsent;
  const take = (file: File) => {
    if (file.size <= MAX_EDITED) void file.text().then((text) => script.edit(text, file.name));
    else upload(file, file.name, named);
  };
  const editor = (className: string) =>
    script.text === undefined || script.text.length > MAX_EDITED ? null : (
      <CodeEditor
        className={className}
        label={t("script.code")}
        value={script.text}
        markLine={lineOf(problems["script"])}
        {...(disabled ? {} : { onChange: script.edit })}
      />
    );
  return (
    <DropZone endings={[".py"]} onDrop={take} disabled={disabled}>
      <Field
        label={t("script.label")}
        hint={t("script.hint")}
        error={problemAt(problems, "script")}
        aside={aside?.("script", t("script.label"))}
      >
        {(control) => (
          <div className="space-y-2">
            <div className="flex flex-wrap items-center gap-2">
              {shown ? (
                <TextInput
                  {...control}
                  className="w-48! flex-1"
                  aria-label={t("script.name")}
                  disabled={disabled || !value.script}
                  value={value.script?.name ?? ""}
                  onChange={(event) => value.script && named({ ...value.script, name: event.target.value })}
                />
              ) : null}
              {disabled ? null : (
                <>
                  <PickButton
                    accept=".py,text/x-python"
                    label={shown ? t("script.replace") : t("script.upload")}
                    icon={<FileUp aria-hidden className="size-4" />}
                    onPick={take}
                  />
                  {shown ? null : (
                    <Button onClick={() => script.edit(EXAMPLE, "train.py")}>
                      <FilePlus2 aria-hidden className="size-4" />
                      {t("script.write")}
                    </Button>
                  )}
                  <EarlierScripts onPick={named} />
                </>
              )}
              {script.text !== undefined ? (
                <IconButton label={t("script.enlarge")} onClick={() => setLarge(true)}>
                  <Maximize2 aria-hidden className="size-4" />
                </IconButton>
              ) : null}
            </div>
            {script.problem ? <ProblemNote problem={script.problem} /> : null}
            {going ? <UploadLine upload={going} onNamed={named} /> : null}
            {large ? null : editor("h-56")}
            {script.unsent ? <Note>{t("script.unsent")}</Note> : null}
            <Dialog open={large} onClose={() => setLarge(false)} title={value.script?.name ?? ""} wide>
              {editor("h-[68vh]")}
            </Dialog>
          </div>
        )}
      </Field>
    </DropZone>
  );
}

function lineOf(problem: string | undefined): number | undefined {
  const found = /line (\d+)/.exec(problem ?? "");
  return found ? Number(found[1]) : undefined;
}

function EarlierScripts({ onPick }: { onPick: (ref: FileRef) => void }) {
  const { t } = useTranslation("fields");
  const { data: found } = useQuery(earlierScriptsQuery);
  if (!found?.length) return null;
  return (
    <Menu
      trigger={
        <Button>
          <History aria-hidden className="size-4" />
          {t("script.earlier")}
        </Button>
      }
    >
      <MenuLabel>{t("script.earlierHint")}</MenuLabel>
      {found.slice(0, 12).map((job) => (
        <MenuItem key={job.spec.script.sha256} onSelect={() => onPick(job.spec.script)}>
          <span className="max-w-64 truncate">{job.spec.script.name}</span>
          <span className="ml-auto pl-4 text-ink-faint text-xs">{formatMoment(job.created_at)}</span>
        </MenuItem>
      ))}
    </Menu>
  );
}
