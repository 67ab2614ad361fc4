import { type FormEvent, useState } from "react";
import { useTranslation } from "react-i18next";
import { Button } from "@/ui/Button";
import { TextInput } from "@/ui/Field";

export function GoToLine({ onGo, onClose }: { onGo: (line: number) => void; onClose: () => void }) {
  const { t } = useTranslation("logs");
  const [text, setText] = useState("");
  const line = /^\d{1,15}$/.test(text.trim()) ? Number(text) : 0;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (line > 0) onGo(line);
  };
  return (
    <form onSubmit={submit} className="flex items-center gap-2 border-line border-b bg-surface px-2 py-1">
      <TextInput
        autoFocus
        inputMode="numeric"
        className="h-7! w-40! font-mono text-xs"
        aria-label={t("goto.label")}
        placeholder={t("goto.label")}
        value={text}
        onChange={(event) => setText(event.target.value)}
        onKeyDown={(event) => event.key === "Escape" && onClose()}
      />
      <Button type="submit" className="h-7!" disabled={line < 1}>
        {t("goto.go")}
      </Button>
    </form>
  );
}
