/** A number that may be left out, or be a reference in a workflow. */
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { Field, TextInput } from "@/ui/Field";
import { amount, isReference, type JobPath, problemAt } from "./draft";
import type { JobFieldProps } from "./props";

interface AmountFieldProps extends JobFieldProps {
  path: JobPath;
  label: string;
  hint?: string | undefined;
  /** The platform's default, shown while nothing is typed. */
  standard: number;
  children?: ReactNode;
}

export function amountAt(props: JobFieldProps, path: JobPath): number | string | undefined {
  const [outer = "", inner = ""] = path.split(".");
  const found = (props.value as Record<string, unknown>)[outer];
  return (inner ? (found as Record<string, unknown> | undefined)?.[inner] : found) as
    | number
    | string
    | undefined;
}

export function AmountField({ path, label, hint, standard, children, ...props }: AmountFieldProps) {
  const { t } = useTranslation("fields");
  const typed = amountAt(props, path);
  const wrong = typeof typed === "string" && !(props.allowReferences && isReference(typed));
  return (
    <Field
      label={label}
      hint={hint}
      error={wrong ? t("amount.wrong") : problemAt(props.problems, path)}
      aside={props.aside?.(path, label)}
    >
      {(control) => (
        <>
          <TextInput
            {...control}
            inputMode={props.allowReferences ? "text" : "numeric"}
            disabled={props.disabled}
            placeholder={String(standard)}
            value={typed ?? ""}
            onChange={(event) => props.onChange(path, amount(event.target.value))}
          />
          {children}
        </>
      )}
    </Field>
  );
}
