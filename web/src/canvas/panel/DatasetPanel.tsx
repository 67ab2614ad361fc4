/** A dataset's settings: paths in object storage, files of the browser, and whether they are checked. */
import { Trash2, Upload } from "lucide-react";
import { useRef } from "react";
import { useTranslation } from "react-i18next";
import { Button, IconButton } from "@/ui/Button";
import { Checkbox, Field, TextArea } from "@/ui/Field";
import { upload } from "@/uploads/uploads";
import { useEditorParts } from "../context";
import type { GraphNode, Json } from "../model/graph";
import { UploadState } from "./UploadState";

interface DatasetProps {
  node: GraphNode;
  problems: Readonly<Record<string, string>>;
  onChange: (path: readonly string[], value: Json | undefined) => void;
  readOnly: boolean;
}

interface FileRef {
  sha256: string;
  name: string;
}

const PLACEHOLDER = "s3://bucket/data/";

export function filesOf(node: GraphNode | undefined): FileRef[] {
  const files = node?.settings["files"];
  return Array.isArray(files) ? (files as unknown as FileRef[]) : [];
}

export function DatasetPanel({ node, problems, onChange, readOnly }: DatasetProps) {
  const { t } = useTranslation("canvas");
  const { store } = useEditorParts();
  const picker = useRef<HTMLInputElement>(null);
  const { paths, check } = node.settings;
  const files = filesOf(node);

  function add(picked: FileList | null): void {
    for (const file of picked ?? []) {
      upload(file, file.name, (ref) => {
        const now = filesOf(store.getState().history.graph.nodes.find((one) => one.id === node.id));
        const others = now.filter((one) => one.name !== ref.name);
        onChange(["files"], [...others, { ...ref }] as unknown as Json);
      });
    }
  }

  return (
    <fieldset disabled={readOnly} className="space-y-4">
      {problems[""] ? <p className="text-danger text-xs">{problems[""]}</p> : null}
      <Field label={t("dataset.paths")} hint={t("dataset.pathsHint")} error={problems["paths"]}>
        {(control) => (
          <TextArea
            {...control}
            spellCheck={false}
            placeholder={PLACEHOLDER}
            value={typeof paths === "string" ? paths : ""}
            onChange={(event) => onChange(["paths"], event.target.value || undefined)}
          />
        )}
      </Field>
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
        {t("dataset.lands")} <code className="font-mono">{`inputs/${node.name}/`}</code>
      </p>
    </fieldset>
  );
}
