import { useTranslation } from "react-i18next";
import { messageOf } from "@/i18n/said";
import { useUploadOf } from "@/uploads/uploads";

/** How far a file of this tab is; nothing for one that was there before. */
export function UploadState({ sha256 }: { sha256: string }) {
  const { t } = useTranslation("canvas");
  const upload = useUploadOf(sha256);
  if (!upload || upload.state === "sent" || upload.state === "known") return null;
  if (upload.state === "failed")
    return <span className="text-danger text-xs">{upload.problem ? messageOf(upload.problem) : ""}</span>;
  return (
    <span className="text-ink-faint text-xs tabular-nums">
      {t(`upload.${upload.state}`)} {Math.round((100 * upload.done) / Math.max(upload.size, 1))}%
    </span>
  );
}
