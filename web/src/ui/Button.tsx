import clsx from "clsx";
import type { ComponentProps } from "react";
import { Tip } from "./Tip";

const KINDS = {
  primary: "border-accent bg-accent text-accent-ink hover:brightness-110",
  plain: "border-line-strong bg-surface text-ink hover:bg-sunken",
  quiet: "border-transparent bg-transparent text-ink-soft hover:bg-sunken hover:text-ink",
  danger: "border-danger bg-surface text-danger hover:bg-danger-soft",
};

type ButtonProps = ComponentProps<"button"> & { kind?: keyof typeof KINDS };

export function Button({ kind = "plain", className, type = "button", ...rest }: ButtonProps) {
  return (
    <button
      type={type}
      className={clsx(
        "inline-flex h-8 items-center justify-center gap-1.5 whitespace-nowrap rounded-md border px-3 font-medium disabled:opacity-50",
        KINDS[kind],
        className,
      )}
      {...rest}
    />
  );
}

type IconButtonProps = Omit<ButtonProps, "aria-label"> & { label: string; shortcut?: string | undefined };

/** A button of one icon: its label is its name and its tip. */
export function IconButton({ label, shortcut, kind = "quiet", className, ...rest }: IconButtonProps) {
  return (
    <Tip text={shortcut ? `${label} (${shortcut})` : label}>
      <Button kind={kind} aria-label={label} className={clsx("min-w-8 px-1.5!", className)} {...rest} />
    </Tip>
  );
}
