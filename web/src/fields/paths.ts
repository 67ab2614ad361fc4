/** Dependency paths as they are typed, and which connection each of them is read through. */
import type { Schema } from "@/api/client";

export function splitPaths(text: string): string[] {
  return text
    .split(",")
    .map((part) => part.trim())
    .filter(Boolean);
}

export function joinPaths(paths: readonly string[]): string {
  return [...new Set(paths)].join(",\n");
}

interface Named {
  kind: string;
  bucket: string;
  key: string;
}

export function readPath(path: string): Named | undefined {
  const match = /^(s3|cos):\/\/([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:\/(.*))?$/s.exec(path);
  return match ? { kind: match[1] ?? "", bucket: match[2] ?? "", key: match[3] ?? "" } : undefined;
}

/** The first one by name that allows it, as on the platform. */
export function connectionFor(
  path: string,
  connections: readonly Schema<"Connection">[],
): Schema<"Connection"> | undefined {
  const named = readPath(path);
  if (!named) return undefined;
  const whole = `${named.bucket}/${named.key}`;
  return [...connections]
    .sort((one, other) => (one.name < other.name ? -1 : 1))
    .find(
      ({ kind, allowed }) =>
        kind === named.kind &&
        allowed.some((one) =>
          one.includes("/") ? whole.startsWith(`${one.replace(/\/+$/, "")}/`) : named.bucket === one,
        ),
    );
}
