/** Files on their way, over the canvas. */

import { X } from "lucide-react";
import { useTranslation } from "react-i18next";
import { useShallow } from "zustand/react/shallow";
import { formatBytes } from "@/i18n/format";
import { messageOf } from "@/i18n/said";
import { IconButton } from "@/ui/Button";
import { cancelUpload, useUploads } from "@/uploads/uploads";

const OPEN = new Set(["hashing", "sending", "waiting", "failed"]);

export function UploadStrip() {
  const { t } = useTranslation(["canvas", "common"]);
  const open = useUploads(
    useShallow(({ uploads }) => Object.values(uploads).filter((one) => OPEN.has(one.state))),
  );
  if (!open.length) return null;
  return (
    <ul
      aria-label={t("upload.title")}
      className="absolute bottom-14 left-4 z-10 w-72 space-y-1 rounded-lg border border-line bg-raised p-2 shadow-md"
    >
      {open.map((one) => (
        <li key={one.id} className="flex items-center gap-2 text-xs">
          <div className="min-w-0 flex-1">
            <div className="flex justify-between gap-2">
              <span className="truncate font-medium">{one.name}</span>
              <span className={one.state === "failed" ? "text-danger" : "text-ink-faint"}>
                {one.state === "failed"
                  ? one.problem && messageOf(one.problem)
                  : t(`upload.${one.state as "sending"}`)}
              </span>
            </div>
            <progress
              className="h-1 w-full"
              aria-label={t("upload.of", { name: one.name, size: formatBytes(one.size) })}
              max={Math.max(one.size, 1)}
              value={one.done}
            />
          </div>
          <IconButton
            label={t("common:action.cancel")}
            className="h-6! min-w-6!"
            onClick={() => cancelUpload(one.id)}
          >
            <X aria-hidden className="size-3.5" />
          </IconButton>
        </li>
      ))}
    </ul>
  );
}
