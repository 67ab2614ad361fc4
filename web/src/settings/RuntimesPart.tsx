/** The runtimes that can be used now, with their versions on each worker. */
import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { Empty } from "@/ui/Empty";
import { ProblemNote } from "@/ui/ProblemNote";
import { Skeleton } from "@/ui/Skeleton";
import { Part, Rows } from "./Part";
import { runtimesQuery } from "./queries";

export function RuntimesPart() {
  const { t } = useTranslation("settings");
  const { data: runtimes, error } = useQuery(runtimesQuery);
  return (
    <Part title={t("part.runtimes")} hint={t("runtime.hint")}>
      {error ? <ProblemNote problem={error} /> : null}
      {runtimes || error ? null : <Skeleton className="h-40" />}
      {runtimes?.length === 0 ? <Empty title={t("runtime.none")} /> : null}
      <div className="space-y-5">
        {runtimes?.map(({ name, default: standard, workers }) => {
          const found = Object.entries(workers);
          const packages = [...new Set(found.flatMap(([, one]) => Object.keys(one.packages)))].sort();
          return (
            <div key={name}>
              <h3 className="mb-1.5 flex items-center gap-2 font-medium">
                {name}
                {standard ? (
                  <span className="rounded-full bg-accent-soft px-2 text-accent text-xs">
                    {t("runtime.standard")}
                  </span>
                ) : null}
              </h3>
              <Rows head={[t("runtime.what"), ...found.map(([worker]) => worker)]}>
                <Versions label="Python" versions={found.map(([, one]) => one.python)} />
                <Versions label="CUDA" versions={found.map(([, one]) => one.cuda ?? t("runtime.noCuda"))} />
                {packages.map((one) => (
                  <Versions
                    key={one}
                    label={one}
                    versions={found.map(([, found]) => found.packages[one] ?? "")}
                  />
                ))}
              </Rows>
            </div>
          );
        })}
      </div>
    </Part>
  );
}

function Versions({ label, versions }: { label: string; versions: readonly string[] }) {
  const { t } = useTranslation("settings");
  const differ = new Set(versions).size > 1;
  return (
    <tr>
      <td className="text-ink-soft">
        {label}
        {differ ? <span className="ml-2 text-warning text-xs">{t("runtime.differ")}</span> : null}
      </td>
      {versions.map((version, at) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: workers stand in their order
        <td key={at} className="font-mono text-xs last:text-right">
          {version}
        </td>
      ))}
    </tr>
  );
}
