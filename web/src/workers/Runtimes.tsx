/** The Python environments of a worker, with the versions found in them. */
import { useTranslation } from "react-i18next";
import type { Worker } from "./queries";

export function Runtimes({ runtimes }: { runtimes: Worker["runtimes"] }) {
  const { t } = useTranslation("workers");
  if (!runtimes.length) return <p className="text-warning text-xs">{t("noRuntimes")}</p>;
  return (
    <div className="space-y-1">
      {runtimes.map(({ name, python, cuda, packages }) => (
        <details key={name} className="text-xs">
          <summary className="cursor-pointer">
            <span className="font-medium">{name}</span>
            <span className="ml-2 text-ink-soft">
              {`Python ${python}`}
              {packages["torch"] ? ` · torch ${packages["torch"]}` : ""}
              {` · ${cuda ? `CUDA ${cuda}` : t("noCuda")}`}
            </span>
          </summary>
          <dl className="mt-1 ml-4 grid gap-x-4 [grid-template-columns:repeat(auto-fill,minmax(10rem,1fr))]">
            {Object.entries(packages).map(([one, version]) => (
              <div key={one} className="flex justify-between gap-2">
                <dt className="truncate text-ink-soft">{one}</dt>
                <dd className="font-mono">{version}</dd>
              </div>
            ))}
          </dl>
        </details>
      ))}
    </div>
  );
}
