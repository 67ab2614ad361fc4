/** A list that is typed into, walked with the arrows and taken from with Enter: a combobox and its listbox. */
import { type ChangeEvent, type KeyboardEvent, useState } from "react";

interface Choosable {
  id: string;
}

export interface Choosing<C extends Choosable> {
  /** Of the elements' ids; no other chooser of the page may have it. */
  name: string;
  /** What is offered for a text. */
  find: (text: string) => readonly C[];
  /** Takes the chosen one; nothing, if nothing was found. */
  take: (choice: C | undefined) => void;
}

export function useChooser<C extends Choosable>({ name, find, take }: Choosing<C>) {
  const [text, setText] = useState("");
  const [at, setAt] = useState(0);
  const found = find(text);
  const chosen = Math.min(at, found.length - 1);
  const current = found[chosen];

  /** Chooses the next one, or with -1 the one before; round and round. */
  function walk(by: 1 | -1): void {
    if (found.length) setAt((chosen + by + found.length) % found.length);
  }

  function onKeyDown(event: KeyboardEvent): void {
    if (event.key === "Enter") take(current);
    else if (event.key === "ArrowDown") walk(1);
    else if (event.key === "ArrowUp") walk(-1);
    else return;
    event.preventDefault();
  }

  return {
    found,
    walk,
    input: {
      role: "combobox",
      "aria-expanded": true,
      "aria-controls": `${name}-choices`,
      "aria-activedescendant": current && `${name}-${current.id}`,
      value: text,
      onChange: (event: ChangeEvent<HTMLInputElement>) => setText(event.target.value),
      onKeyDown,
    },
    list: (label: string) => ({ id: `${name}-choices`, role: "listbox", "aria-label": label }),
    option: (choice: C, number: number) => ({
      id: `${name}-${choice.id}`,
      role: "option",
      tabIndex: -1,
      "aria-selected": number === chosen,
      ref: number === chosen ? show : null,
      onPointerMove: () => setAt(number),
      onClick: () => take(choice),
    }),
  };
}

function show(element: HTMLElement | null): void {
  element?.scrollIntoView({ block: "nearest" });
}
