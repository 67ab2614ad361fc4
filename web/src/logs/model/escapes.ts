/** Splits bytes into text and what a terminal would take as orders (ECMA-48, and xterm's habits). */

export type Token =
  | { kind: "text"; start: number; end: number }
  | { kind: "sgr"; parameters: string }
  | { kind: "return" }
  | { kind: "back" }
  | { kind: "erase"; mode: number };

const ESC = 0x1b;
const BEL = 0x07;
/** Strings up to a terminator: DCS, SOS, OSC, PM, APC. */
const STRINGS = new Set([0x50, 0x58, 0x5d, 0x5e, 0x5f]);

export function tokens(bytes: Uint8Array): Token[] {
  const found: Token[] = [];
  let start = 0;
  let at = 0;
  const flush = () => {
    if (at > start) found.push({ kind: "text", start, end: at });
  };
  while (at < bytes.length) {
    const length = orderAt(bytes, at);
    if (length === 0) {
      at += 1;
      continue;
    }
    flush();
    const token = meaning(bytes, at, length);
    if (token) found.push(token);
    at += length;
    start = at;
  }
  flush();
  return found;
}

function byte(bytes: Uint8Array, at: number): number {
  return bytes[at] ?? -1;
}

/** How many bytes from here on are no text; 0 if they are. */
function orderAt(bytes: Uint8Array, at: number): number {
  const first = byte(bytes, at);
  const second = byte(bytes, at + 1);
  if (first === ESC) return sequenceEnd(bytes, at + 2, second) - at;
  // A control of one byte from ISO 8859, as UTF-8 writes it: C2 80 to C2 9F.
  if (first === 0xc2 && second >= 0x80 && second <= 0x9f)
    return sequenceEnd(bytes, at + 2, second - 0x40) - at;
  if ((first < 0x20 && first !== 0x09) || first === 0x7f) return 1;
  return first === 0xe2 && turnsAround(second, byte(bytes, at + 2)) ? 3 : 0;
}

/** What turns the direction of text around: U+202A to U+202E, U+2066 to U+2069. */
function turnsAround(second: number, third: number): boolean {
  return (
    (second === 0x80 && third >= 0xaa && third <= 0xae) || (second === 0x81 && third >= 0xa6 && third <= 0xa9)
  );
}

/** Where a sequence ends; `kind` is the byte before `body`, of those of ISO 2022. */
function sequenceEnd(bytes: Uint8Array, body: number, kind: number): number {
  if (kind === 0x5b) return csiEnd(bytes, body);
  if (STRINGS.has(kind)) return stringEnd(bytes, body);
  if (kind < 0x20 || kind > 0x7e) return body - 1; // a lone ESC
  if (kind > 0x2f) return body;
  let end = body;
  while (byte(bytes, end) >= 0x20 && byte(bytes, end) <= 0x2f) end += 1;
  return byte(bytes, end) >= 0x30 && byte(bytes, end) <= 0x7e ? end + 1 : end;
}

function csiEnd(bytes: Uint8Array, from: number): number {
  let end = from;
  while (byte(bytes, end) >= 0x20 && byte(bytes, end) <= 0x3f) end += 1;
  const final = byte(bytes, end);
  return final >= 0x40 && final <= 0x7e ? end + 1 : end;
}

/** Longest string that is swallowed: behind a stray introducer, text has to go on somewhere. */
const LONGEST_STRING = 4096;

function stringEnd(bytes: Uint8Array, from: number): number {
  const stop = Math.min(bytes.length, from + LONGEST_STRING);
  for (let end = from; end < stop; end += 1) {
    const now = byte(bytes, end);
    if (now === BEL) return end + 1;
    if (now === ESC) return byte(bytes, end + 1) === 0x5c ? end + 2 : end;
    if (now === 0xc2 && byte(bytes, end + 1) === 0x9c) return end + 2;
  }
  return stop === bytes.length ? stop : from;
}

const ascii = new TextDecoder("latin1");

function meaning(bytes: Uint8Array, at: number, length: number): Token | undefined {
  const first = byte(bytes, at);
  if (length === 1 && first === 0x0d) return { kind: "return" };
  if (length === 1 && first === 0x08) return { kind: "back" };
  const control = first === ESC ? byte(bytes, at + 1) === 0x5b : byte(bytes, at + 1) === 0x9b;
  if (length < 3 || !control) return undefined;
  const body = ascii.decode(bytes.subarray(at + 2, at + length));
  const parameters = body.slice(0, -1);
  if (body.endsWith("m") && /^[0-9;:]*$/.test(parameters)) return { kind: "sgr", parameters };
  if (body.endsWith("K") && /^[012]?$/.test(parameters))
    return { kind: "erase", mode: Number(parameters || 0) };
  return undefined;
}
