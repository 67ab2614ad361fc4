import { Tabs as Radix } from "radix-ui";
import type { ReactNode } from "react";

export interface Tab<Id extends string> {
  id: Id;
  label: ReactNode;
}

interface TabsProps<Id extends string> {
  tabs: readonly Tab<Id>[];
  value: Id;
  onChange: (id: Id) => void;
  label: string;
  /** Right of the tabs. */
  aside?: ReactNode;
  children: ReactNode;
}

/** A row of tabs over one panel: the content of the chosen one. */
export function Tabs<Id extends string>({ tabs, value, onChange, label, aside, children }: TabsProps<Id>) {
  return (
    <Radix.Root
      value={value}
      onValueChange={(id) => onChange(id as Id)}
      className="flex min-h-0 flex-1 flex-col"
    >
      <div className="flex flex-wrap items-center border-line border-b px-2">
        <Radix.List aria-label={label} className="flex gap-1">
          {tabs.map((tab) => (
            <Radix.Trigger
              key={tab.id}
              value={tab.id}
              className="whitespace-nowrap border-transparent border-b-2 px-2.5 py-1.5 text-ink-soft hover:text-ink data-[state=active]:border-accent data-[state=active]:font-medium data-[state=active]:text-ink"
            >
              {tab.label}
            </Radix.Trigger>
          ))}
        </Radix.List>
        <div className="ml-auto flex items-center">{aside}</div>
      </div>
      <Radix.Content value={value} className="flex min-h-0 flex-1 flex-col outline-none">
        {children}
      </Radix.Content>
    </Radix.Root>
  );
}
