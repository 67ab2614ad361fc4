/** A range of a log as plain text, as it is copied: lines as they are seen, without numbers. */
import type { Need } from "./document";
import { parseLine, plainText } from "./line";
import type { LogSession } from "./session";

/** What a person may mean to paste; more is a case for a download. */
export const MOST_COPIED = 16 * 1024 * 1024;
const STEP = 256 * 1024;
const decoder = new TextDecoder();
const encoder = new TextEncoder();

function shownText(raw: Uint8Array): string {
  return decoder
    .decode(raw)
    .split("\n")
    .map((line) => plainText(parseLine(encoder.encode(line), 0)))
    .join("\n");
}

/** If all of it is there already. */
export function textNow(session: LogSession, start: number, end: number): string | undefined {
  const raw = session.document.pages.slice(start, end);
  return raw && shownText(raw);
}

export async function textOf(session: LogSession, start: number, end: number): Promise<string> {
  const parts: Uint8Array<ArrayBuffer>[] = [];
  for (let at = start; at < end; at += STEP) {
    const stop = Math.min(end, at + STEP);
    for (;;) {
      const part = session.document.pages.slice(at, stop);
      if (part) {
        parts.push(new Uint8Array(part));
        break;
      }
      const needs: Need[] = [{ kind: "bytes", start: at, end: stop }];
      await session.changed(() => session.fetch(needs));
    }
  }
  return shownText(new Uint8Array(await new Blob(parts).arrayBuffer()));
}
