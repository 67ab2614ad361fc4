import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { Empty } from "@/ui/Empty";

export function Lost() {
  const { t } = useTranslation();
  return (
    <Empty title={t("lost")}>
      <Link to="/workflows" className="text-accent underline">
        {t("home")}
      </Link>
    </Empty>
  );
}
