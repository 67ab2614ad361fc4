/** Whether a path can be read through a connection. */

import { useMutation } from "@tanstack/react-query";
import { CircleCheck } from "lucide-react";
import { type FormEvent, useState } from "react";
import { useTranslation } from "react-i18next";
import { api, data } from "@/api/client";
import { EXAMPLES } from "@/fields/examples";
import { formatBytes, formatCount } from "@/i18n/format";
import { Button } from "@/ui/Button";
import { Dialog } from "@/ui/Dialog";
import { Field, TextInput } from "@/ui/Field";
import { ProblemNote } from "@/ui/ProblemNote";

export function CheckDialog({ name, onClose }: { name: string; onClose: () => void }) {
  const { t } = useTranslation("settings");
  const [path, setPath] = useState("");
  const check = useMutation({
    mutationFn: () =>
      data(
        api.POST("/api/v1/connections/{name}/check", {
          params: { path: { name } },
          body: { path: path.trim() },
        }),
      ),
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    check.mutate();
  };
  const found = check.data;
  return (
    <Dialog open onClose={onClose} title={t("connection.check", { name })}>
      <form onSubmit={submit} className="space-y-3">
        <Field label={t("connection.path")} hint={t("connection.pathHint")}>
          {(control) => (
            <TextInput
              {...control}
              autoFocus
              className="font-mono"
              placeholder={EXAMPLES.directory}
              value={path}
              onChange={(event) => setPath(event.target.value)}
            />
          )}
        </Field>
        {check.error ? <ProblemNote problem={check.error} /> : null}
        {found && !check.error ? (
          <p className="flex items-center gap-1.5" role="status">
            <CircleCheck aria-hidden className="size-4 text-state-succeeded" />
            {found.type === "file"
              ? t("connection.foundFile", { size: formatBytes(found.size) })
              : t("connection.foundDirectory", {
                  count: found.files,
                  files: formatCount(found.files),
                  size: formatBytes(found.size),
                })}
          </p>
        ) : null}
        <Button type="submit" kind="primary" disabled={!path.trim() || check.isPending}>
          {t("connection.checkVerb")}
        </Button>
      </form>
    </Dialog>
  );
}
