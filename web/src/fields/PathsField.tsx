/** Files and directories in storages, looked for while they are typed. */

import { useQuery } from "@tanstack/react-query";
import { FolderSearch } from "lucide-react";
import { type ReactNode, useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { formatBytes, formatCount } from "@/i18n/format";
import { messageOf } from "@/i18n/said";
import { Button } from "@/ui/Button";
import { Field, TextArea } from "@/ui/Field";
import { BucketBrowser } from "./BucketBrowser";
import { isReference, problemAt } from "./draft";
import { EXAMPLES } from "./examples";
import { Note } from "./Note";
import { joinPaths, splitPaths } from "./paths";
import type { JobFieldProps } from "./props";
import { connectionsQuery, pathQuery } from "./queries";

/** After the last key, before a path is looked for. */
const PAUSE = 700;
const LOOKED_FOR = 20;

export function PathsField({ value, onChange, problems, disabled, aside, allowReferences }: JobFieldProps) {
  const { t } = useTranslation("fields");
  return (
    <StoragePaths
      label={t("paths.label")}
      hint={t("paths.hint")}
      text={value.dependency_paths ?? ""}
      onText={(text) => onChange("dependency_paths", text || undefined)}
      error={problemAt(problems, "dependency_paths")}
      aside={aside?.("dependency_paths", t("paths.label"))}
      disabled={disabled ?? false}
      allowReferences={allowReferences ?? false}
    />
  );
}

interface StoragePathsProps {
  label: string;
  hint: string;
  text: string;
  onText: (text: string) => void;
  error: string | undefined;
  aside?: ReactNode;
  disabled: boolean;
  allowReferences: boolean;
}

/** A text of paths, with a look through the storages, and what lies at each of them. */
export function StoragePaths(props: StoragePathsProps) {
  const { t } = useTranslation("fields");
  const [browsing, setBrowsing] = useState(false);
  const { text, onText, disabled } = props;
  const typed = useSettled(text);
  const { data: connections } = useQuery(connectionsQuery);
  const none = connections?.length === 0;
  return (
    <Field
      label={props.label}
      hint={none ? t("paths.noConnection") : props.hint}
      error={props.error}
      aside={props.aside}
    >
      {(control) => (
        <>
          <div className="flex items-start gap-2">
            <TextArea
              {...control}
              className="min-h-9! flex-1 placeholder:overflow-hidden placeholder:text-ellipsis placeholder:whitespace-nowrap"
              rows={Math.min(Math.max(text.split("\n").length, 1), 6)}
              spellCheck={false}
              disabled={disabled}
              placeholder={EXAMPLES.paths}
              value={text}
              onChange={(event) => onText(event.target.value)}
            />
            {disabled || none ? null : (
              <Button onClick={() => setBrowsing(true)}>
                <FolderSearch aria-hidden className="size-4" />
                {t("paths.browse")}
              </Button>
            )}
          </div>
          <ul>
            {splitPaths(typed)
              .slice(0, LOOKED_FOR)
              .map((path) => (
                <li key={path}>
                  <FoundAt path={path} allowed={props.allowReferences} />
                </li>
              ))}
          </ul>
          {browsing ? (
            <BucketBrowser
              onClose={() => setBrowsing(false)}
              onPick={(paths) => {
                onText(joinPaths([...splitPaths(text), ...paths]));
                setBrowsing(false);
              }}
            />
          ) : null}
        </>
      )}
    </Field>
  );
}

function useSettled(text: string): string {
  const [settled, setSettled] = useState(text);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(text), PAUSE);
    return () => clearTimeout(timer);
  }, [text]);
  return settled;
}

function FoundAt({ path, allowed }: { path: string; allowed: boolean }) {
  const { t } = useTranslation("fields");
  const reference = isReference(path);
  const { data: found, error } = useQuery({ ...pathQuery(path), enabled: !reference });
  if (reference)
    return allowed ? (
      <Note>{t("paths.reference", { path })}</Note>
    ) : (
      <Note kind="warning">{t("reference")}</Note>
    );
  if (error) return <Note kind="danger">{`${path}: ${messageOf(error)}`}</Note>;
  if (!found) return <Note>{t("paths.looking", { path })}</Note>;
  if (typeof found === "string") return <Note kind="danger">{t(`paths.${found}`, { path })}</Note>;
  const size = formatBytes(found.size);
  return (
    <Note kind="good">
      {found.type === "file"
        ? t("paths.file", { path, size })
        : t(found.more ? "paths.directoryMore" : "paths.directory", {
            path,
            size,
            count: found.files,
            files: formatCount(found.files),
          })}
    </Note>
  );
}
