import { useTranslation } from "react-i18next";
import { type Control, Select, TextInput } from "@/ui/Field";
import type { Parameter } from "../model/graph";

interface ValueInputProps {
  parameter: Pick<Parameter, "type" | "choices">;
  text: string;
  onText: (text: string) => void;
  placeholder?: string;
  control?: Control;
  label?: string;
}

/** A parameter's value: typed, or chosen where it is one of few. */
export function ValueInput({ parameter, text, onText, placeholder, control, label }: ValueInputProps) {
  const { t } = useTranslation("canvas");
  const choices =
    parameter.type === "boolean"
      ? ["true", "false"]
      : parameter.type === "choice"
        ? (parameter.choices ?? []).map(String)
        : null;
  if (choices) {
    return (
      <Select {...control} aria-label={label} value={text} onChange={(event) => onText(event.target.value)}>
        <option value="">{placeholder || t("parameters.choose")}</option>
        {choices.map((one) => (
          <option key={one} value={one}>
            {one}
          </option>
        ))}
      </Select>
    );
  }
  return (
    <TextInput
      {...control}
      aria-label={label}
      inputMode={parameter.type === "string" ? "text" : "decimal"}
      placeholder={placeholder}
      value={text}
      onChange={(event) => onText(event.target.value)}
    />
  );
}
