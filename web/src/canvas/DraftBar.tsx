import { FileClock } from "lucide-react";
import { useTranslation } from "react-i18next";
import { formatMoment } from "@/i18n/format";
import { Button } from "@/ui/Button";
import type { Draft } from "./drafts";

/** Offers what was drawn in this browser and not saved. */
export function DraftBar({
  draft,
  onTake,
  onDrop,
}: {
  draft: Draft;
  onTake: () => void;
  onDrop: () => void;
}) {
  const { t } = useTranslation("canvas");
  return (
    <div role="status" className="flex items-center gap-3 border-line border-b bg-warning-soft px-3 py-1.5">
      <FileClock aria-hidden className="size-4 text-warning" />
      <span className="flex-1">{t("draft.kept", { at: formatMoment(draft.at) })}</span>
      <Button kind="primary" className="h-7!" onClick={onTake}>
        {t("draft.take")}
      </Button>
      <Button className="h-7!" onClick={onDrop}>
        {t("draft.drop")}
      </Button>
    </div>
  );
}
