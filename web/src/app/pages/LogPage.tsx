/** `/jobs/:id/logs`: nothing but a job's logs, at the place that the address names. */
import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { Link, useParams, useSearchParams } from "react-router";
import { LogViewer } from "@/logs/LogViewer";
import { formatPlace, parsePlace } from "@/logs/model/links";

export function LogPage() {
  const { id = "" } = useParams();
  const { t } = useTranslation("logs");
  const [params] = useSearchParams();
  const attempt = Number(params.get("attempt")) || undefined;
  const [hash, setHash] = useState(location.hash);
  useEffect(() => {
    const changed = () => setHash(location.hash);
    addEventListener("hashchange", changed);
    return () => removeEventListener("hashchange", changed);
  }, []);
  return (
    <div className="flex h-full min-h-0 flex-col">
      <h1 className="flex items-baseline gap-2 border-line border-b bg-surface px-4 py-2 font-medium">
        {t("title")}
        <Link to={`/jobs/${id}`} className="font-mono text-accent text-xs underline">
          {id}
        </Link>
      </h1>
      <LogViewer
        key={`${id} ${hash}`}
        jobId={id}
        attempt={attempt}
        initial={parsePlace(hash)}
        // The address changes under the page: what is shown is there already.
        onPlace={(place) => history.replaceState(history.state, "", formatPlace(place))}
        alone
      />
    </div>
  );
}
