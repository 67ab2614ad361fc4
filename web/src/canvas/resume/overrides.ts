/** Settings of single nodes for one resume: what a person changed of what the nodes would run with. */
import type { Json, Settings } from "../model/graph";

/** What has to be said for `base` to become `wanted`: the fields that differ, null where one is left out. */
export function overrideOf(base: Settings, wanted: Settings): Record<string, Json> {
  const fields = new Set([...Object.keys(base), ...Object.keys(wanted)]);
  const changed: Record<string, Json> = {};
  for (const field of fields) {
    if (!alike(base[field], wanted[field])) changed[field] = wanted[field] ?? null;
  }
  return changed;
}

/** The settings with an override in place: what the platform makes of both. */
export function overridden(base: Settings, override: Readonly<Record<string, Json>>): Settings {
  const all = Object.entries({ ...base, ...override });
  return Object.fromEntries(all.filter(([, value]) => value !== null));
}

function alike(one: Json | undefined, other: Json | undefined): boolean {
  return JSON.stringify(sorted(one)) === JSON.stringify(sorted(other));
}

/** The same object has the same text, whatever the order in which its fields were written. */
function sorted(value: Json | undefined): Json | undefined {
  if (Array.isArray(value)) return value.map((one) => sorted(one) ?? null);
  if (typeof value !== "object" || value === null) return value;
  const fields = Object.entries(value).sort(([one], [other]) => (one < other ? -1 : 1));
  return Object.fromEntries(fields.map(([name, one]) => [name, sorted(one) ?? null]));
}

/** The uploaded files that an override names: they have to be there before it is sent. */
export function filesIn(override: Readonly<Record<string, Json>>): string[] {
  const found: string[] = [];
  const look = (value: Json): void => {
    if (typeof value !== "object" || value === null) return;
    const sha256 = Array.isArray(value) ? undefined : value["sha256"];
    if (typeof sha256 === "string") found.push(sha256);
    for (const one of Object.values(value)) look(one);
  };
  for (const value of Object.values(override)) look(value);
  return found;
}
