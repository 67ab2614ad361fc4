/** Who wrote which bytes of stdout.log, and when: kept for the pages that are looked at. */
import { PAGE } from "./pages";

export interface Piece {
  offset: number;
  stderr: boolean;
  /** Milliseconds since 1970. */
  time: number;
}

interface Known {
  pieces: Piece[];
  until: number;
}

const LIMIT = 256;

export class Pieces {
  private readonly pages = new Map<number, Known>();

  /** What was told of the bytes from `start` to `until`. */
  put(start: number, until: number, pieces: readonly Piece[]): void {
    for (let page = Math.floor(start / PAGE); page * PAGE < until; page += 1) {
      const [from, to] = [page * PAGE, Math.min((page + 1) * PAGE, until)];
      const known = this.pages.get(page);
      const begin = Math.max(from, start);
      if ((known?.until ?? from) < begin || (known?.until ?? from) >= to) continue;
      const last = pieces.findLastIndex((piece) => piece.offset <= begin);
      const inside = pieces.slice(Math.max(0, last)).filter((piece) => piece.offset < to);
      this.pages.delete(page);
      const before = known?.pieces.filter((piece) => piece.offset < (inside[0]?.offset ?? to)) ?? [];
      this.pages.set(page, { pieces: [...before, ...inside], until: to });
    }
    for (const oldest of this.pages.keys()) {
      if (this.pages.size <= LIMIT) break;
      this.pages.delete(oldest);
    }
  }

  /** The piece that holds a byte; undefined if nothing is known of it. */
  at(offset: number): Piece | undefined {
    const known = this.pages.get(Math.floor(offset / PAGE));
    if (!known || known.until <= offset) return undefined;
    let [low, high] = [0, known.pieces.length - 1];
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      if ((known.pieces[middle]?.offset ?? 0) <= offset) low = middle;
      else high = middle - 1;
    }
    return known.pieces[low];
  }

  /** Whether there is nothing more to learn of a byte. */
  knows(offset: number): boolean {
    return (this.pages.get(Math.floor(offset / PAGE))?.until ?? 0) > offset;
  }

  /** From where on a page has to be asked about, to know of a byte. */
  unknownFrom(offset: number): number {
    const page = Math.floor(offset / PAGE);
    return this.pages.get(page)?.until ?? page * PAGE;
  }
}
