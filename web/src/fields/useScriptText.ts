/** A script's text while it is edited: sent as a file soon after the last key, and kept here until it is. */
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useCallback, useEffect, useRef, useState } from "react";
import { type FileRef, uploadText } from "@/uploads/uploads";
import { textQuery } from "./queries";

const PAUSE = 500;
const AGAIN = 3_000;
const KEY = "torchyard.unsent.";

interface Unsent {
  text: string;
  name: string;
}

function kept(key: string): Unsent | undefined {
  const found = localStorage.getItem(KEY + key);
  return found ? (JSON.parse(found) as Unsent) : undefined;
}

/** A browser that is out of room keeps nothing; the text is sent all the same. */
function keep(key: string, unsent: Unsent): void {
  try {
    localStorage.setItem(KEY + key, JSON.stringify(unsent));
  } catch {
    localStorage.removeItem(KEY + key);
  }
}

/** What was typed and not sent yet, sent now: whoever submits or saves waits for it. */
export async function flushScript(keepAs: string): Promise<FileRef | undefined> {
  const unsent = kept(keepAs);
  return unsent && uploadText(unsent.text, unsent.name);
}

/** Sends what was typed under this name and is not sent yet, also where no field shows it any more. */
export async function deliverUnsent(keepAs: string): Promise<FileRef | undefined> {
  const found = kept(keepAs);
  if (!found) return undefined;
  const made = await uploadText(found.text, found.name);
  if (kept(keepAs)?.text === found.text) localStorage.removeItem(KEY + keepAs);
  return made;
}

export interface ScriptText {
  /** Undefined while it is fetched, and where there is no script. */
  text: string | undefined;
  problem: Error | null;
  /** Changes that the platform does not have yet. */
  unsent: boolean;
  edit: (text: string, name?: string) => void;
}

export function useScriptText(
  ref: FileRef | undefined,
  keepAs: string,
  onSent: (ref: FileRef) => void,
): ScriptText {
  const queries = useQueryClient();
  const [typed, setTyped] = useState<Unsent | undefined>(() => kept(keepAs));
  const stored = useQuery(textQuery(typed ? undefined : ref?.sha256));
  const tell = useRef(onSent);
  tell.current = onSent;

  // A node that is renamed takes what it did not send yet along.
  const keptAs = useRef(keepAs);
  useEffect(() => {
    if (keptAs.current === keepAs) return;
    localStorage.removeItem(KEY + keptAs.current);
    keptAs.current = keepAs;
    if (typed) keep(keepAs, typed);
  }, [keepAs, typed]);

  useEffect(() => {
    if (!typed) return;
    let timer = 0;
    const deliver = async () => {
      try {
        const made = await uploadText(typed.text, typed.name);
        queries.setQueryData(textQuery(made.sha256).queryKey, typed.text);
        if (kept(keepAs)?.text === typed.text) localStorage.removeItem(KEY + keepAs);
        tell.current(made);
        setTyped((now) => (now === typed ? undefined : now));
      } catch {
        timer = window.setTimeout(deliver, AGAIN);
      }
    };
    timer = window.setTimeout(deliver, PAUSE);
    return () => window.clearTimeout(timer);
  }, [typed, keepAs, queries]);

  const edit = useCallback(
    (text: string, name = ref?.name ?? "train.py") => {
      const unsent = { text, name };
      keep(keepAs, unsent);
      setTyped(unsent);
    },
    [keepAs, ref?.name],
  );
  return {
    text: typed?.text ?? stored.data,
    problem: stored.error,
    unsent: typed !== undefined,
    edit,
  };
}
