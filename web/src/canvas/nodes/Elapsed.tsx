import { useEffect, useState } from "react";
import { formatDuration } from "@/i18n/format";

/** How long something took, or takes until now. */
export function Elapsed({ from, to }: { from: string; to?: string | undefined }) {
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    if (to) return undefined;
    const timer = window.setInterval(() => setNow(Date.now()), 1_000);
    return () => window.clearInterval(timer);
  }, [to]);
  const until = to ? Date.parse(to) : now;
  return (
    <span className="tabular-nums">{formatDuration(Math.max(0, until - Date.parse(from)) / 1_000)}</span>
  );
}
