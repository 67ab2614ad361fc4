/** What can be added to a graph, by section. */
import type { Kind } from "./model/graph";

export const SECTIONS: readonly { section: "input" | "learning"; kind: Kind }[] = [
  { section: "input", kind: "dataset" },
  { section: "learning", kind: "pytorch" },
];

/** Whether all words of the search are somewhere in the texts. */
export function matches(search: string, ...texts: string[]): boolean {
  const text = texts.join(" ").toLowerCase();
  return search
    .toLowerCase()
    .split(/\s+/)
    .every((word) => text.includes(word));
}
