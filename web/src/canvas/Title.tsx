import { type KeyboardEvent, useState } from "react";
import { useTranslation } from "react-i18next";

/** The workflow's name; a click makes it a field. */
export function Title({ name, onRename }: { name: string; onRename: (name: string) => void }) {
  const { t } = useTranslation("canvas");
  const [text, setText] = useState<string>();

  function finish(): void {
    const wanted = text?.trim();
    setText(undefined);
    if (wanted && wanted !== name) onRename(wanted);
  }

  function onKeyDown(event: KeyboardEvent): void {
    if (event.key === "Enter") finish();
    if (event.key === "Escape") setText(undefined);
  }

  if (text !== undefined) {
    return (
      <input
        className="h-7 w-56 rounded border border-accent bg-surface px-1.5 font-semibold"
        aria-label={t("title.label")}
        maxLength={200}
        value={text}
        // biome-ignore lint/a11y/noAutofocus: it was asked for
        autoFocus
        onFocus={(event) => event.target.select()}
        onChange={(event) => setText(event.target.value)}
        onBlur={finish}
        onKeyDown={onKeyDown}
      />
    );
  }
  return (
    <button
      type="button"
      className="h-7 min-w-20 max-w-56 truncate rounded px-1.5 text-left font-semibold hover:bg-sunken"
      title={t("title.hint")}
      onClick={() => setText(name)}
    >
      {name}
    </button>
  );
}
