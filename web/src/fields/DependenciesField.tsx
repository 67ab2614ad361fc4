/** The zip that is extracted beside the script; what would go wrong with it is said at once. */
import { useQuery } from "@tanstack/react-query";
import { FileArchive, FileUp, Trash2 } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { formatBytes, formatCount } from "@/i18n/format";
import { IconButton } from "@/ui/Button";
import { Field } from "@/ui/Field";
import { type FileRef, upload, useUploadOf, useUploads } from "@/uploads/uploads";
import { problemAt } from "./draft";
import { DropZone, PickButton, UploadLine } from "./Files";
import { Note } from "./Note";
import type { JobFieldProps } from "./props";
import { zipQuery } from "./queries";
import { onlyFolder, type ZipEntry } from "./zip";

export function DependenciesField({ value, onChange, problems, disabled, aside }: JobFieldProps) {
  const { t } = useTranslation("fields");
  const [started, setStarted] = useState<number>();
  const named = (ref: FileRef) => onChange("dependencies", ref);
  const file = value.dependencies;
  const known = useUploadOf(file?.sha256);
  const hashing = useUploads(({ uploads }) => (started === undefined ? undefined : uploads[started]));
  const going = known ?? (hashing?.sha256 ? undefined : hashing);
  const { data: zip } = useQuery(zipQuery(file?.sha256));
  const take = (picked: File) => setStarted(upload(picked, picked.name, named));
  return (
    <DropZone endings={[".zip"]} onDrop={take} disabled={disabled}>
      <Field
        label={t("dependencies.label")}
        hint={t("dependencies.hint")}
        error={problemAt(problems, "dependencies")}
        aside={aside?.("dependencies", t("dependencies.label"))}
      >
        {(control) => (
          // biome-ignore lint/a11y/useSemanticElements: a label names it, it is no set of inputs
          <div id={control.id} role="group" aria-label={t("dependencies.label")}>
            <div className="flex flex-wrap items-center gap-2">
              {file ? (
                <span className="flex min-w-0 flex-1 items-center gap-1.5">
                  <FileArchive aria-hidden className="size-4 shrink-0 text-ink-faint" />
                  <span className="truncate font-medium">{file.name}</span>
                  {zip ? (
                    <span className="whitespace-nowrap text-ink-faint text-xs">
                      {t("dependencies.size", {
                        count: zip.entries.length,
                        files: formatCount(zip.entries.length),
                        size: formatBytes(zip.size),
                      })}
                    </span>
                  ) : null}
                </span>
              ) : null}
              {disabled ? null : (
                <PickButton
                  accept=".zip,application/zip"
                  label={file ? t("dependencies.replace") : t("dependencies.upload")}
                  icon={<FileUp aria-hidden className="size-4" />}
                  onPick={take}
                />
              )}
              {file && !disabled ? (
                <IconButton
                  label={t("dependencies.remove")}
                  onClick={() => onChange("dependencies", undefined)}
                >
                  <Trash2 aria-hidden className="size-4" />
                </IconButton>
              ) : null}
            </div>
            {going ? <UploadLine upload={going} onNamed={named} /> : null}
            {zip && file ? <ZipNotes entries={zip.entries} script={value.script?.name} /> : null}
          </div>
        )}
      </Field>
    </DropZone>
  );
}

function ZipNotes({ entries, script }: { entries: readonly ZipEntry[]; script: string | undefined }) {
  const { t } = useTranslation("fields");
  const [folder, total] = [onlyFolder(entries), entries.reduce((sum, { size }) => sum + size, 0)];
  return (
    <>
      {folder ? <Note kind="warning">{t("dependencies.oneFolder", { folder })}</Note> : null}
      {entries.some(({ path }) => path === script) ? (
        <Note kind="warning">{t("dependencies.sameName", { name: script })}</Note>
      ) : null}
      {entries.some(({ path }) => path === "requirements.txt") ? (
        <Note>{t("dependencies.requirements")}</Note>
      ) : null}
      <details className="mt-1 text-xs">
        <summary className="cursor-pointer text-ink-soft">
          {t("dependencies.listing", { size: formatBytes(total) })}
        </summary>
        <ul className="mt-1 max-h-40 overflow-auto rounded border border-line bg-sunken px-2 py-1 font-mono">
          {entries.slice(0, 500).map(({ path, size }) => (
            <li key={path} className="flex gap-2">
              <span className="min-w-0 flex-1 truncate">{path}</span>
              <span className="text-ink-faint">{formatBytes(size)}</span>
            </li>
          ))}
        </ul>
      </details>
    </>
  );
}
