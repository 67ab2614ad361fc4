/** The system's clipboard where the browser gives it, else what was copied in this window. */

let latest = "";

export function copyText(text: string): void {
  latest = text;
  navigator.clipboard?.writeText(text).catch(() => undefined);
}

/** What a menu's *Paste* finds; the keys get theirs with the browser's own event. */
export async function pasteableText(): Promise<string> {
  try {
    return (await navigator.clipboard.readText()) || latest;
  } catch {
    return latest;
  }
}
