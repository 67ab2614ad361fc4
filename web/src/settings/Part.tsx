/** One part of the settings: a title, what it is for, and what can be added. */
import type { ReactNode } from "react";

interface PartProps {
  title: string;
  hint: string;
  action?: ReactNode;
  children: ReactNode;
}

export function Part({ title, hint, action, children }: PartProps) {
  return (
    <section aria-label={title} className="mb-8">
      <header className="mb-3 flex items-start gap-4">
        <div className="min-w-0 flex-1">
          <h2 className="font-semibold text-sm">{title}</h2>
          <p className="text-ink-soft">{hint}</p>
        </div>
        {action}
      </header>
      {children}
    </section>
  );
}

export function Rows({ head, children }: { head: readonly string[]; children: ReactNode }) {
  return (
    <div className="overflow-x-auto rounded-lg border border-line bg-surface">
      <table className="w-full">
        <thead className="text-left text-ink-faint text-xs">
          <tr>
            {head.map((label, at) => (
              <th
                // biome-ignore lint/suspicious/noArrayIndexKey: columns have no other identity than their place
                key={at}
                className="whitespace-nowrap px-4 py-2 font-normal last:text-right"
              >
                {label}
              </th>
            ))}
          </tr>
        </thead>
        <tbody className="[&>tr]:border-line [&>tr]:border-t [&_td]:px-4 [&_td]:py-2">{children}</tbody>
      </table>
    </div>
  );
}
