/** What a zip holds, from its directory alone: a few kilobytes at its end, however large it is. */

export interface ZipEntry {
  path: string;
  size: number;
  packed: number;
  /** Where its local header begins. */
  offset: number;
  /** 0: stored; 8: deflated. */
  method: number;
}

export type ReadBytes = (start: number, end: number) => Promise<Uint8Array>;

const END_SIGNATURE = 0x06054b50;
const END_SIZE = 22;
const ENTRY_SIGNATURE = 0x02014b50;
const ENTRY_SIZE = 46;
const MAX_COMMENT = 0xffff;
/** A directory beyond this is not looked through here; the platform does. */
const MAX_DIRECTORY = 32 * 1024 * 1024;

export class NoZip extends Error {}

/** Its files, without its folders. */
export async function listZip(size: number, read: ReadBytes): Promise<ZipEntry[]> {
  const from = Math.max(0, size - END_SIZE - MAX_COMMENT);
  const tail = view(await read(from, size));
  const end = findEnd(tail);
  const [length, start] = [tail.getUint32(end + 12, true), tail.getUint32(end + 16, true)];
  if (length > MAX_DIRECTORY || start + length > size) throw new NoZip();
  return entries(await read(start, start + length)).filter((entry) => !entry.path.endsWith("/"));
}

function view(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function findEnd(tail: DataView): number {
  for (let at = tail.byteLength - END_SIZE; at >= 0; at--) {
    if (tail.getUint32(at, true) === END_SIGNATURE) return at;
  }
  throw new NoZip();
}

function entries(bytes: Uint8Array): ZipEntry[] {
  const directory = view(bytes);
  const found: ZipEntry[] = [];
  const text = new TextDecoder();
  let at = 0;
  while (at + ENTRY_SIZE <= bytes.length && directory.getUint32(at, true) === ENTRY_SIGNATURE) {
    const [name, extra, comment] = [28, 30, 32].map((field) => directory.getUint16(at + field, true));
    const [nameEnd, rest] = [at + ENTRY_SIZE + (name ?? 0), (extra ?? 0) + (comment ?? 0)];
    found.push({
      path: text.decode(bytes.subarray(at + ENTRY_SIZE, nameEnd)),
      method: directory.getUint16(at + 10, true),
      packed: directory.getUint32(at + 20, true),
      size: directory.getUint32(at + 24, true),
      offset: directory.getUint32(at + 42, true),
    });
    at = nameEnd + rest;
  }
  return found;
}

/** One file's text. */
export async function readEntry(entry: ZipEntry, read: ReadBytes): Promise<string> {
  const header = view(await read(entry.offset, entry.offset + 30));
  const start = entry.offset + 30 + header.getUint16(26, true) + header.getUint16(28, true);
  const packed = new Blob([(await read(start, start + entry.packed)).slice()]);
  if (entry.method === 0) return packed.text();
  return new Response(packed.stream().pipeThrough(new DecompressionStream("deflate-raw"))).text();
}

/** The one folder that everything lies in, if it is so: then nothing of it lies beside the script. */
export function onlyFolder(found: readonly ZipEntry[]): string | undefined {
  const tops = new Set(
    found.filter(({ path }) => !path.startsWith("__MACOSX/")).map(({ path }) => path.split("/")),
  );
  const names = new Set([...tops].map(([top]) => top));
  const [only] = names;
  return names.size === 1 && [...tops].every((parts) => parts.length > 1) ? only : undefined;
}
