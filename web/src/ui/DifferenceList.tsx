/** What differs between two graphs, part by part. */
import clsx from "clsx";
import { useTranslation } from "react-i18next";
import type { Schema } from "@/api/client";

const COLOURS = {
  added: "text-state-succeeded",
  removed: "text-danger",
  changed: "text-state-running",
};
const SIGNS = { added: "+", removed: "−", changed: "~" };

export function DifferenceList({ changes }: { changes: readonly Schema<"PartChange">[] }) {
  const { t } = useTranslation();
  if (!changes.length) return <p className="text-ink-faint">{t("difference.none")}</p>;
  return (
    <ul className="space-y-1.5">
      {changes.map((part) => (
        <li key={`${part.part} ${part.name}`}>
          <div className="flex gap-2">
            <span
              aria-hidden
              className={clsx("w-3 text-center font-mono font-semibold", COLOURS[part.change])}
            >
              {SIGNS[part.change]}
            </span>
            <span className="min-w-0">
              <span className="text-ink-faint">{t(`difference.${part.part as "node"}`)}</span>{" "}
              <strong className="break-all font-medium">{part.name}</strong>{" "}
              <span className={COLOURS[part.change]}>{t(`difference.${part.change}`)}</span>
            </span>
          </div>
          <FieldChanges fields={part.fields} />
        </li>
      ))}
    </ul>
  );
}

export function FieldChanges({ fields }: { fields: readonly Schema<"FieldChange">[] }) {
  if (!fields.length) return null;
  return (
    <dl className="mt-0.5 ml-5 space-y-0.5 text-xs">
      {fields.map(({ field, before, after }) => (
        <div key={field} className="flex flex-wrap gap-x-2">
          <dt className="font-mono text-ink-soft">{field}</dt>
          <dd className="flex min-w-0 flex-wrap gap-x-1.5 font-mono">
            {/* Not struck out: the line would lie on dashes. */}
            <del className="break-all text-danger no-underline">{shown(before)}</del>
            <span aria-hidden>→</span>
            <ins className="break-all text-state-succeeded no-underline">{shown(after)}</ins>
          </dd>
        </div>
      ))}
    </dl>
  );
}

const MOST = 200;

function shown(value: unknown): string {
  if (value === null || value === undefined) return "∅";
  const text = typeof value === "string" ? value : JSON.stringify(value);
  return text.length > MOST ? `${text.slice(0, MOST)}…` : text;
}
