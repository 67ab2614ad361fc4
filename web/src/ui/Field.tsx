import clsx from "clsx";
import { type ComponentProps, type ReactNode, useId } from "react";

/** What a control needs to be tied to its label, hint and error. */
export interface Control {
  id: string;
  "aria-describedby": string | undefined;
  "aria-invalid": boolean;
}

interface FieldProps {
  label: string;
  hint?: string | undefined;
  error?: string | undefined;
  /** Beside the label: a menu, say. */
  aside?: ReactNode;
  className?: string;
  children: (control: Control) => ReactNode;
}

export function Field({ label, hint, error, aside, className, children }: FieldProps) {
  const id = useId();
  const described = [hint ? `${id}-hint` : "", error ? `${id}-error` : ""].filter(Boolean).join(" ");
  return (
    <div className={className} data-field data-wrong={error ? "" : undefined}>
      <div className="mb-1 flex items-center justify-between gap-2">
        <label htmlFor={id} className="font-medium">
          {label}
        </label>
        {aside}
      </div>
      {children({ id, "aria-describedby": described || undefined, "aria-invalid": Boolean(error) })}
      {error ? (
        <p id={`${id}-error`} role="alert" className="mt-1 text-danger text-xs">
          {error}
        </p>
      ) : null}
      {hint ? (
        <p id={`${id}-hint`} className="mt-1 text-ink-faint text-xs">
          {hint}
        </p>
      ) : null}
    </div>
  );
}

const INPUT =
  "w-full rounded-md border border-line-strong bg-surface px-2.5 text-ink placeholder:text-ink-faint aria-invalid:border-danger disabled:bg-sunken disabled:opacity-70";

export function TextInput({ className, type = "text", ...rest }: ComponentProps<"input">) {
  return <input type={type} className={clsx(INPUT, "h-8", className)} {...rest} />;
}

export function TextArea({ className, ...rest }: ComponentProps<"textarea">) {
  return <textarea className={clsx(INPUT, "min-h-16 py-1.5 font-mono text-xs", className)} {...rest} />;
}

export function Select({ className, ...rest }: ComponentProps<"select">) {
  return <select className={clsx(INPUT, "h-8", className)} {...rest} />;
}

export function Checkbox({ label, ...rest }: Omit<ComponentProps<"input">, "type"> & { label: string }) {
  return (
    <label className="flex items-center gap-2">
      <input type="checkbox" className="size-4 accent-(--accent)" {...rest} />
      {label}
    </label>
  );
}
