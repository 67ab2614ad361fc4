import { type KeyboardEvent, useEffect, useId, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { toast } from "@/ui/toast";
import { useEditorParts } from "../context";
import { legalName } from "../model/graph";
import { focusNode } from "../view";

/** A node's name while it is being changed: Enter takes it, Escape leaves it as it was. */
export function NameField({ id, name }: { id: string; name: string }) {
  const { t } = useTranslation("canvas");
  const { store } = useEditorParts();
  const input = useRef<HTMLInputElement>(null);
  const [text, setText] = useState(name);
  const hint = useId();
  const taken = store.getState().history.graph.nodes.some((node) => node.id !== id && node.name === text);
  const wrong = !legalName(text) ? t("rename.illegal") : taken ? t("rename.taken") : "";

  useEffect(() => {
    // A node that was just added is hidden until it was measured, and takes no focus before that.
    const focus = () => {
      if (!input.current || document.activeElement === input.current) return;
      input.current.focus();
      frame = requestAnimationFrame(focus);
    };
    let frame = requestAnimationFrame(focus);
    return () => cancelAnimationFrame(frame);
  }, []);

  function finish(keep: boolean): void {
    const state = store.getState();
    if (state.renaming !== id) return;
    state.show({ renaming: undefined });
    if (!keep || text === name) return;
    if (wrong) toast(wrong);
    else state.change({ type: "rename", node: id, name: text.normalize("NFC") });
  }

  function onKeyDown(event: KeyboardEvent): void {
    event.stopPropagation();
    const takes = event.key === "Enter" && (!wrong || text === name);
    if (!takes && event.key !== "Escape") return;
    finish(takes);
    focusNode(id);
  }

  return (
    <>
      <input
        ref={input}
        className="nodrag h-5 w-full rounded border border-accent bg-surface px-1 font-medium aria-invalid:border-danger"
        aria-label={t("rename.label")}
        aria-invalid={Boolean(wrong)}
        aria-describedby={hint}
        value={text}
        // biome-ignore lint/a11y/noAutofocus: it was asked for
        autoFocus
        onFocus={(event) => event.target.select()}
        onChange={(event) => setText(event.target.value)}
        onBlur={() => finish(true)}
        onKeyDown={onKeyDown}
      />
      {wrong ? (
        <p
          id={hint}
          role="alert"
          className="absolute inset-x-1 top-9 z-10 rounded border border-danger bg-raised px-1.5 py-1 text-danger text-xs shadow-md"
        >
          {wrong}
        </p>
      ) : null}
    </>
  );
}
