/** A bounded part of a log's bytes, in pages; what was not looked at for longest goes first. */

export const PAGE = 64 * 1024;
/** 16 MiB: a screen of lines of which each needs two pages fits in. */
const LIMIT = 256;
const NEWLINE = 10;

interface Page {
  data: Uint8Array;
  /** How many bytes from its beginning are known. */
  length: number;
}

export class Pages {
  /** In the order of their last use. */
  private readonly pages = new Map<number, Page>();

  constructor(private readonly limit = LIMIT) {}

  get bytes(): number {
    return this.pages.size * PAGE;
  }

  clear(): void {
    this.pages.clear();
  }

  /** Keep what lies from `offset` on; of a page, only bytes that continue what is known of it. */
  put(offset: number, bytes: Uint8Array): void {
    let at = 0;
    while (at < bytes.length) {
      const number = Math.floor((offset + at) / PAGE);
      const inside = offset + at - number * PAGE;
      const part = bytes.subarray(at, at + PAGE - inside);
      this.extend(number, inside, part);
      at += part.length;
    }
  }

  private extend(number: number, inside: number, part: Uint8Array): void {
    const known = this.pages.get(number);
    const length = known?.length ?? 0;
    if (inside > length || inside + part.length <= length) return;
    const page = known && known.data.length === PAGE ? known : { data: new Uint8Array(PAGE), length };
    if (known && page !== known) page.data.set(known.data);
    page.data.set(part, inside);
    page.length = inside + part.length;
    this.pages.delete(number);
    this.pages.set(number, page);
    for (const oldest of this.pages.keys()) {
      if (this.pages.size <= this.limit) break;
      this.pages.delete(oldest);
    }
  }

  /** The pages of a range of which bytes are not known. */
  missing(start: number, end: number): number[] {
    const found: number[] = [];
    for (let number = Math.floor(start / PAGE); number * PAGE < end; number += 1) {
      const needed = Math.min(end - number * PAGE, PAGE);
      if ((this.pages.get(number)?.length ?? 0) < needed) found.push(number);
    }
    return found;
  }

  /** The bytes of a range, if all are known. */
  slice(start: number, end: number): Uint8Array | undefined {
    if (end <= start) return new Uint8Array();
    if (this.missing(start, end).length) return undefined;
    const first = this.page(start);
    const base = Math.floor(start / PAGE) * PAGE;
    if (end <= base + PAGE) return first?.slice(start - base, end - base);
    const whole = new Uint8Array(end - start);
    for (let at = start; at < end; ) {
      const from = Math.floor(at / PAGE) * PAGE;
      const part = this.page(at)?.subarray(at - from, end - from) ?? new Uint8Array();
      whole.set(part, at - start);
      at = from + PAGE;
    }
    return whole;
  }

  /** The first line end in a range: -1 if there is none, undefined if bytes are missing before one. */
  newlineAfter(start: number, end: number): number | undefined {
    for (let at = start; at < end; ) {
      const base = Math.floor(at / PAGE) * PAGE;
      const stop = Math.min(end, base + PAGE);
      const found = this.page(at)?.indexOf(NEWLINE, at - base) ?? -1;
      if (found >= 0 && base + found < stop) return base + found;
      if (this.missing(at, stop).length) return undefined;
      at = stop;
    }
    return -1;
  }

  /** The last line end in a range, likewise. */
  newlineBefore(start: number, end: number): number | undefined {
    for (let at = end; at > start; ) {
      const base = Math.floor((at - 1) / PAGE) * PAGE;
      const from = Math.max(start, base);
      if (this.missing(from, at).length) return undefined;
      const found = this.page(from)?.lastIndexOf(NEWLINE, at - 1 - base) ?? -1;
      if (found >= 0 && base + found >= from) return base + found;
      at = from;
    }
    return -1;
  }

  private page(offset: number): Uint8Array | undefined {
    const number = Math.floor(offset / PAGE);
    const page = this.pages.get(number);
    if (!page) return undefined;
    this.pages.delete(number);
    this.pages.set(number, page);
    return page.data.subarray(0, page.length);
  }
}

/** Pages as ranges of bytes to be fetched at once, of so many pages at most; none reaches behind `size`. */
export function ranges(pages: readonly number[], most: number, size: number): [number, number][] {
  const found: [number, number][] = [];
  for (let at = 0; at < pages.length; ) {
    const first = pages[at] ?? 0;
    let count = 1;
    while (count < most && pages[at + count] === first + count) count += 1;
    at += count;
    found.push([first * PAGE, Math.min((first + count) * PAGE, size)]);
  }
  return found;
}
