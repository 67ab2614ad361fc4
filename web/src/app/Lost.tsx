import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { Empty } from "@/ui/Empty";

const LISTS = ["workflows", "runs", "jobs"] as const;

/** Shown at an address that has no page. */
export function Lost() {
  const { t } = useTranslation();
  return (
    <Empty title={<h1 className="font-semibold text-base text-ink">{t("lost.title")}</h1>}>
      <p className="max-w-md text-balance">{t("lost.hint")}</p>
      <ul className="flex gap-4">
        {LISTS.map((place) => (
          <li key={place}>
            <Link to={`/${place}`} className="text-accent underline">
              {t(`nav.${place}`)}
            </Link>
          </li>
        ))}
      </ul>
    </Empty>
  );
}
