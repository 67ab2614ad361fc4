/** A dataset's settings: paths in object storage, files of the browser, and whether they are checked. */
import { Trash2, Upload } from "lucide-react";
import { type ReactNode, useRef } from "react";
import { useTranslation } from "react-i18next";
import { StoragePaths } from "@/fields/PathsField";
import { Button, IconButton } from "@/ui/Button";
import { Checkbox } from "@/ui/Field";
import { type FileRef, upload } from "@/uploads/uploads";
import type { Json, Settings } from "../model/graph";
import { UploadState } from "./UploadState";

interface DatasetProps {
  name: string;
  settings: Settings;
  problems: Readonly<Record<string, string>>;
  /** Beside a field, by its path and what it is called. */
  aside?: (path: string, label: string) => ReactNode;
  onChange: (path: readonly string[], value: Json | undefined) => void;
  /** Called when a file has its hash, which may be when nothing of this is shown any more. */
  onFile: (ref: FileRef) => void;
  readOnly: boolean;
}

function filesOf(settings: Settings): FileRef[] {
  const files = settings["files"];
  return Array.isArray(files) ? (files as unknown as FileRef[]) : [];
}

/** A dataset's files with one more, in the place of one that has its name. */
export function withFile(settings: Settings, ref: FileRef): Json {
  const others = filesOf(settings).filter((one) => one.name !== ref.name);
  return [...others, { ...ref }] as unknown as Json;
}

export function DatasetPanel(props: DatasetProps) {
  const { name, settings, problems, aside, onChange, onFile, readOnly } = props;
  const { t } = useTranslation("canvas");
  const picker = useRef<HTMLInputElement>(null);
  const { paths, check } = settings;
  const files = filesOf(settings);

  function add(picked: FileList | null): void {
    for (const file of picked ?? []) upload(file, file.name, onFile);
  }

  return (
    <fieldset disabled={readOnly} className="space-y-4">
      {problems[""] ? <p className="text-danger text-xs">{problems[""]}</p> : null}
      <StoragePaths
        label={t("dataset.paths")}
        hint={t("dataset.pathsHint")}
        error={problems["paths"]}
        aside={aside?.("paths", t("dataset.paths"))}
        text={typeof paths === "string" ? paths : ""}
        onText={(text) => onChange(["paths"], text || undefined)}
        disabled={readOnly}
        allowReferences
      />
      <section>
        <div className="mb-1 flex items-center justify-between">
          <h3 className="font-medium">{t("dataset.files")}</h3>
          <Button onClick={() => picker.current?.click()}>
            <Upload aria-hidden className="size-4" />
            {t("dataset.upload")}
          </Button>
          <input
            ref={picker}
            type="file"
            multiple
            hidden
            aria-label={t("dataset.upload")}
            onChange={(event) => {
              add(event.target.files);
              event.target.value = "";
            }}
          />
        </div>
        {files.length ? (
          <ul className="divide-y divide-line rounded-md border border-line">
            {files.map((file) => (
              <li key={file.name} className="flex items-center gap-2 py-0.5 pr-0.5 pl-2">
                <span className="min-w-0 flex-1 truncate">{file.name}</span>
                <UploadState sha256={file.sha256} />
                <IconButton
                  label={t("dataset.remove", { name: file.name })}
                  className="h-7! min-w-7!"
                  onClick={() => {
                    const rest = files.filter((one) => one !== file);
                    onChange(["files"], rest.length ? (rest as unknown as Json) : undefined);
                  }}
                >
                  <Trash2 aria-hidden className="size-4" />
                </IconButton>
              </li>
            ))}
          </ul>
        ) : (
          <p className="text-ink-faint text-xs">{t("dataset.noFiles")}</p>
        )}
        {problems["files"] ? <p className="mt-1 text-danger text-xs">{problems["files"]}</p> : null}
      </section>
      <div>
        <Checkbox
          label={t("dataset.check")}
          checked={check !== false}
          onChange={(event) => onChange(["check"], event.target.checked ? undefined : false)}
        />
        <p className="mt-1 ml-6 text-ink-faint text-xs">{t("dataset.checkHint")}</p>
      </div>
      <p className="rounded-md border border-line bg-sunken p-2 text-xs">
        {t("dataset.lands")} <code className="font-mono">{`inputs/${name}/`}</code>
      </p>
    </fieldset>
  );
}
