/** Where a list is narrowed down by a text. */
import clsx from "clsx";
import { Search } from "lucide-react";

interface Props {
  label: string;
  /** What stands in it while it is empty; the label, if left out. */
  placeholder?: string;
  value: string;
  onChange: (value: string) => void;
  className?: string;
}

export function SearchField({ label, placeholder = label, value, onChange, className }: Props) {
  return (
    <div
      className={clsx("flex min-w-0 items-center gap-2 rounded-md border border-line-strong px-2", className)}
    >
      <Search aria-hidden className="size-4 shrink-0 text-ink-faint" />
      <input
        type="search"
        aria-label={label}
        placeholder={placeholder}
        className="h-7 w-full min-w-0 bg-transparent outline-none placeholder:text-ink-faint"
        value={value}
        onChange={(event) => onChange(event.target.value)}
      />
    </div>
  );
}
