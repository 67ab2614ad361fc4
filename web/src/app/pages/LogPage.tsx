/** `/jobs/:id/logs`: nothing but a job's logs, at the place that the address names. */
import { useEffect, useState } from "react";
import { useParams, useSearchParams } from "react-router";
import { LogViewer } from "@/logs/LogViewer";
import { formatPlace, parsePlace } from "@/logs/model/links";
import { LogHeading } from "./LogHeading";

export function LogPage() {
  const { id = "" } = useParams();
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
      <LogHeading id={id} attempt={attempt} />
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
