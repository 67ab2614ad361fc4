import clsx from "clsx";
import { useTranslation } from "react-i18next";

/** Stands where something is about to be. */
export function Skeleton({ className }: { className?: string }) {
  const { t } = useTranslation();
  return (
    <div
      role="status"
      aria-label={t("loading")}
      className={clsx("animate-pulse rounded-lg bg-sunken", className)}
    />
  );
}
