/** Which series share a picture: those of one quantity, such as the losses of training and validation. */
import type { Series } from "./series";

export interface Group {
  id: string;
  series: readonly Series[];
}

const KINDS = [/loss/i, /acc(?:uracy)?(?:$|[^a-z])/i, /(?:^|[^a-z])lr(?:$|[^a-z])|learning.?rate/i];
const ASIDE = new Set([
  ..."train training val valid validation test testing eval evaluation dev set avg average mean".split(" "),
  ..."epoch step order".split(" "),
]);

export function kindOf(name: string): string {
  const known = KINDS.findIndex((kind) => kind.test(name));
  if (known >= 0) return String(known);
  const words = name
    .toLowerCase()
    .split(/[\s/_.()-]+/)
    .filter((word) => word && !ASIDE.has(word));
  return words.join(" ") || name;
}

/** Series with more than one point, by quantity and by what their steps count. */
export function grouped(series: readonly Series[]): Group[] {
  const groups = new Map<string, Series[]>();
  for (const one of series) {
    if (one.steps.length < 2) continue;
    const id = `${kindOf(one.name)} ${one.counts}`;
    groups.set(id, [...(groups.get(id) ?? []), one]);
  }
  return [...groups].map(([id, inside]) => ({ id, series: inside }));
}
