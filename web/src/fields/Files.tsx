/** Choosing a file: by a button, or by dropping it here; and how its upload goes. */

import clsx from "clsx";
import { CircleCheck, LoaderCircle, RotateCw, TriangleAlert, X } from "lucide-react";
import { type DragEvent, type ReactNode, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { formatBytes } from "@/i18n/format";
import { messageOf } from "@/i18n/said";
import { Button, IconButton } from "@/ui/Button";
import { cancelUpload, type FileRef, retryUpload, type Upload } from "@/uploads/uploads";

interface PickerProps {
  accept: string;
  label: string;
  disabled?: boolean | undefined;
  onPick: (file: File) => void;
  icon: ReactNode;
}

export function PickButton({ accept, label, disabled, onPick, icon }: PickerProps) {
  const input = useRef<HTMLInputElement>(null);
  return (
    <>
      <Button disabled={disabled} onClick={() => input.current?.click()}>
        {icon}
        {label}
      </Button>
      <input
        ref={input}
        type="file"
        accept={accept}
        hidden
        onChange={(event) => {
          const [file] = event.target.files ?? [];
          if (file) onPick(file);
          event.target.value = "";
        }}
      />
    </>
  );
}

export function DropZone(props: {
  endings: readonly string[];
  onDrop: (file: File) => void;
  disabled?: boolean | undefined;
  children: ReactNode;
}) {
  const [over, setOver] = useState(false);
  const drop = (event: DragEvent) => {
    event.preventDefault();
    event.stopPropagation();
    setOver(false);
    const file = [...event.dataTransfer.files].find(({ name }) =>
      props.endings.some((ending) => name.toLowerCase().endsWith(ending)),
    );
    if (file && !props.disabled) props.onDrop(file);
  };
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: dropping is a shortcut; the button does the same
    <div
      onDragOver={(event) => {
        event.preventDefault();
        setOver(true);
      }}
      onDragLeave={() => setOver(false)}
      onDrop={drop}
      className={clsx("rounded-md", over && "outline-2 outline-accent outline-dashed outline-offset-4")}
    >
      {props.children}
    </div>
  );
}

/** How far an upload is; it goes on when the page is left. */
export function UploadLine({ upload, onNamed }: { upload: Upload; onNamed: (ref: FileRef) => void }) {
  const { t } = useTranslation("fields");
  const { state, done, size } = upload;
  const going = state === "hashing" || state === "sending" || state === "waiting";
  const Icon = going ? LoaderCircle : state === "failed" ? TriangleAlert : CircleCheck;
  const share = size ? Math.min(done / size, 1) : 1;
  return (
    <div className="mt-1 text-xs text-ink-soft" role="status">
      <div className="flex items-center gap-1.5">
        <Icon
          aria-hidden
          className={clsx(
            "size-3.5 shrink-0",
            going ? "animate-spin" : state === "failed" ? "text-danger" : "text-state-succeeded",
          )}
        />
        <span className="min-w-0 truncate">
          {t(`upload.${state}`, { name: upload.name, done: formatBytes(done), size: formatBytes(size) })}
          {state === "failed" && upload.problem ? ` ${messageOf(upload.problem)}` : ""}
        </span>
        {going ? (
          <IconButton
            label={t("upload.cancel")}
            className="ml-auto h-6!"
            onClick={() => cancelUpload(upload.id)}
          >
            <X aria-hidden className="size-3.5" />
          </IconButton>
        ) : null}
        {state === "failed" ? (
          <IconButton
            label={t("upload.retry")}
            className="ml-auto h-6!"
            onClick={() => retryUpload(upload.id, onNamed)}
          >
            <RotateCw aria-hidden className="size-3.5" />
          </IconButton>
        ) : null}
      </div>
      {going ? (
        <div
          role="progressbar"
          aria-label={upload.name}
          aria-valuenow={Math.round(share * 100)}
          className="mt-1 h-1 overflow-hidden rounded bg-sunken"
        >
          <div className="h-full bg-accent transition-[width]" style={{ width: `${share * 100}%` }} />
        </div>
      ) : null}
    </div>
  );
}
