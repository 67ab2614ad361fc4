/** CodeMirror with Python; loaded by `CodeEditor` when one is first shown. */
import {
  autocompletion,
  closeBrackets,
  closeBracketsKeymap,
  completionKeymap,
} from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap, indentWithTab } from "@codemirror/commands";
import { python } from "@codemirror/lang-python";
import { bracketMatching, indentOnInput, indentUnit } from "@codemirror/language";
import { highlightSelectionMatches, searchKeymap } from "@codemirror/search";
import { EditorState, type Extension, StateEffect, StateField } from "@codemirror/state";
import {
  Decoration,
  type DecorationSet,
  drawSelection,
  EditorView,
  highlightActiveLine,
  highlightActiveLineGutter,
  keymap,
  lineNumbers,
} from "@codemirror/view";
import { useEffect, useRef } from "react";
import { look } from "./look";

export interface EditorProps {
  value: string;
  /** Left out: read-only. */
  onChange?: (text: string) => void;
  /** A line to mark and show, from 1. */
  markLine?: number | undefined;
  /** Its name for those who don't see it. */
  label: string;
  plain?: boolean;
}

const mark = StateEffect.define<number | undefined>();
const marked = StateField.define<DecorationSet>({
  create: () => Decoration.none,
  update(lines, transaction) {
    for (const effect of transaction.effects) {
      if (!effect.is(mark)) continue;
      const { doc } = transaction.state;
      if (!effect.value || effect.value > doc.lines) return Decoration.none;
      return Decoration.set([Decoration.line({ class: "cm-marked" }).range(doc.line(effect.value).from)]);
    }
    return lines.map(transaction.changes);
  },
  provide: (field) => EditorView.decorations.from(field),
});

function extensions(label: string, plain: boolean, onChange?: (text: string) => void): Extension[] {
  const common = [
    lineNumbers(),
    drawSelection(),
    bracketMatching(),
    highlightSelectionMatches(),
    ...(plain ? [] : [python()]),
    marked,
    look,
    // What scrolls has to be reached by keys.
    EditorView.contentAttributes.of({ "aria-label": label, tabindex: "0" }),
  ];
  if (!onChange)
    return [...common, EditorState.readOnly.of(true), keymap.of([...searchKeymap, ...defaultKeymap])];
  return [
    ...common,
    history(),
    highlightActiveLine(),
    highlightActiveLineGutter(),
    indentOnInput(),
    indentUnit.of("    "),
    closeBrackets(),
    autocompletion(),
    // Escape, then Tab, leaves the editor.
    keymap.of([
      ...closeBracketsKeymap,
      ...completionKeymap,
      ...searchKeymap,
      ...historyKeymap,
      indentWithTab,
      ...defaultKeymap,
    ]),
    EditorView.updateListener.of((update) => {
      if (update.docChanged) onChange(update.state.doc.toString());
    }),
  ];
}

export default function Editor({ value, onChange, markLine, label, plain = false }: EditorProps) {
  const place = useRef<HTMLDivElement>(null);
  const view = useRef<EditorView | null>(null);
  const changed = useRef(onChange);
  changed.current = onChange;
  const writable = onChange !== undefined;
  const first = useRef(value);
  /** Texts that were told and have not come back as the value yet: whoever types fast is ahead of it. */
  const told = useRef<string[]>([]);

  useEffect(() => {
    const parent = place.current;
    if (!parent) return;
    const say = (text: string) => {
      told.current.push(text);
      changed.current?.(text);
    };
    const tell = writable ? say : undefined;
    const editor = new EditorView({
      parent,
      state: EditorState.create({ doc: first.current, extensions: extensions(label, plain, tell) }),
    });
    view.current = editor;
    return () => {
      first.current = editor.state.doc.toString();
      editor.destroy();
      view.current = null;
    };
  }, [label, plain, writable]);

  useEffect(() => {
    const editor = view.current;
    if (!editor) return;
    const echo = told.current.lastIndexOf(value);
    told.current.splice(0, echo + 1);
    if (echo >= 0 || editor.state.doc.toString() === value) return;
    editor.dispatch({ changes: { from: 0, to: editor.state.doc.length, insert: value } });
  }, [value]);

  useEffect(() => {
    const editor = view.current;
    if (!editor) return;
    const { doc } = editor.state;
    const line = markLine && markLine <= doc.lines ? markLine : undefined;
    editor.dispatch({
      effects: [
        mark.of(line),
        ...(line ? [EditorView.scrollIntoView(doc.line(line).from, { y: "center" })] : []),
      ],
    });
  }, [markLine]);

  return <div ref={place} className="h-full min-h-0 overflow-hidden" />;
}
