import { useTranslation } from "react-i18next";
import { useRouteError } from "react-router";
import { Button } from "@/ui/Button";

/** Shown in place of a page that broke. */
export function Crash() {
  const { t } = useTranslation();
  const problem = useRouteError();
  return (
    <section
      role="alert"
      className="m-auto mt-16 max-w-xl rounded-xl border border-danger bg-danger-soft p-6"
    >
      <h1 className="text-base font-semibold">{t("crash.title")}</h1>
      <p className="mt-1 text-ink-soft">{t("crash.hint")}</p>
      <pre className="mt-3 max-h-48 overflow-auto font-mono text-xs">{String(problem)}</pre>
      <Button className="mt-4" onClick={() => location.reload()}>
        {t("action.reload")}
      </Button>
    </section>
  );
}
