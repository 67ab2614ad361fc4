/** One log that is looked at: opens it at its end, follows it, and fetches what is needed of it. */
import type { ApiProblem } from "@/api/client";
import { type Anchor, LogDocument, type Need } from "./document";
import { type Chunk, follow, type LogEnd } from "./follower";
import { PAGE, ranges } from "./pages";
import { Pieces } from "./pieces";
import { findPieces, lineSurely, readRange, type Source, streamUrl } from "./source";

export type SessionState = "opening" | "live" | "reconnecting" | "ended" | "failed";

/** At least one whole page, wherever the end lies. */
const TAIL = 2 * PAGE;
/** Pages that are fetched at once. */
const RUN = 16;
const AGAIN = 1_000;

export class LogSession {
  readonly document = new LogDocument();
  readonly pieces = new Pieces();
  state: SessionState = "opening";
  end: LogEnd | undefined;
  problem: Error | undefined;
  /** Raised at every change. */
  version = 0;
  private readonly listeners = new Set<() => void>();
  private readonly stop = new AbortController();
  private readonly asked = new Set<string>();
  private told = false;
  private isOpen = false;

  constructor(readonly source: Source) {}

  start(): void {
    void this.open();
  }

  close(): void {
    this.stop.abort();
    this.listeners.clear();
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  /** Have what is missing fetched; the listeners hear when it is there. */
  fetch(needs: readonly Need[]): void {
    for (const need of needs) {
      if (need.kind === "line") this.once(`line ${need.offset}`, () => this.fetchLine(need.offset));
      else this.fetchBytes(need.start, need.end);
    }
  }

  /** Whether the end's number is on its way. */
  get numbering(): boolean {
    return this.asked.has("end");
  }

  /** Have everything drawn again. */
  touch(): void {
    this.tell();
  }

  /** Have a line's number looked up. */
  number(start: number): void {
    this.once(`line ${start}`, () => this.fetchLine(start));
  }

  /** Have it looked up who wrote a byte, and when. */
  time(offset: number): void {
    if (this.source.name !== "stdout.log" || offset >= this.document.size) return;
    const from = this.pieces.unknownFrom(offset);
    this.once(`pieces ${from}`, async () => {
      const end = (Math.floor(offset / PAGE) + 1) * PAGE;
      const found = await findPieces(this.source, from, end - from);
      const told = found.pieces.map((one) => ({
        offset: one.offset,
        stderr: one.stream === "stderr",
        time: one.time_ms,
      }));
      this.pieces.put(from, found.until, told);
    });
  }

  /** Wait until a window around a place can be read; false if it was given up. */
  async ready(anchor: Anchor, before: number, after: number): Promise<boolean> {
    await this.opened();
    while (!this.stop.signal.aborted) {
      const needs: Need[] = [];
      const { lines } = this.document.window(anchor, before, after, needs);
      for (const line of lines) this.document.shown(line, needs);
      if (!needs.length) return true;
      await this.changed(() => this.fetch(needs));
    }
    return false;
  }

  /** The beginning of the line that holds a byte. */
  async startOf(offset: number): Promise<number> {
    await this.opened();
    while (!this.stop.signal.aborted) {
      const needs: Need[] = [];
      const start = this.document.startOf(offset, needs);
      if (start !== undefined) return start;
      await this.changed(() => this.fetch(needs));
    }
    return 0;
  }

  private async opened(): Promise<void> {
    while (!this.isOpen && !this.stop.signal.aborted) await this.changed();
  }

  changed(act: () => void = () => undefined): Promise<void> {
    return new Promise((resolve) => {
      const done = this.subscribe(() => {
        done();
        resolve();
      });
      this.stop.signal.addEventListener("abort", () => resolve(), { once: true });
      act();
    });
  }

  private async open(): Promise<void> {
    const signal = this.stop.signal;
    for (;;) {
      try {
        const { bytes, size } = await readRange(this.source, `-${TAIL}`, signal);
        this.document.open(size, bytes);
        break;
      } catch (problem) {
        if (signal.aborted) return;
        if (!(await this.stumbled(problem as Error))) return;
      }
    }
    this.isOpen = true;
    this.state = "live";
    this.tell();
    this.numberEnd();
    await follow(
      {
        url: (offset) => streamUrl(this.source, offset),
        offset: this.document.size,
        onBytes: (offset, bytes, chunk) => this.take(offset, bytes, chunk),
        onState: (state) => this.move(state),
        onEnd: (end) => {
          this.end = end;
          this.move("ended");
        },
        onProblem: (problem) => this.fail(problem),
      },
      signal,
    );
  }

  private async stumbled(problem: Error): Promise<boolean> {
    const status = "status" in problem ? Number(problem.status) : 0;
    if (status >= 400 && status < 500) {
      this.fail(problem);
      return false;
    }
    this.problem = problem;
    this.move("reconnecting");
    await new Promise((resolve) => setTimeout(resolve, AGAIN));
    this.problem = undefined;
    return !this.stop.signal.aborted;
  }

  private numberEnd(): void {
    const { size, newLines } = this.document;
    if (!size) {
      this.document.learnEnd(0, newLines);
      return;
    }
    this.once("end", async () => {
      const found = await lineSurely(this.source, { offset: size - 1 }, this.stop.signal);
      if (!found?.line) return;
      const closed = found.end === size - 1;
      this.document.learnEnd(closed ? found.line : found.line - 1, newLines);
      this.learn(found);
    });
  }

  private take(offset: number, bytes: Uint8Array, chunk: Chunk): void {
    this.document.append(offset, bytes);
    if (chunk.stream && chunk.time_ms) {
      const piece = { offset, stderr: chunk.stream === "stderr", time: chunk.time_ms };
      this.pieces.put(offset, offset + bytes.length, [piece]);
    }
    this.tell();
  }

  private fetchBytes(start: number, end: number): void {
    const { size, pages } = this.document;
    for (const [from, to] of ranges(pages.missing(start, Math.min(end, size)), RUN, size)) {
      this.once(`bytes ${from} ${to}`, async () => {
        const found = await readRange(this.source, `${from}-${to - 1}`, this.stop.signal);
        pages.put(found.start, found.bytes);
      });
    }
  }

  private async fetchLine(offset: number): Promise<void> {
    const found = await lineSurely(this.source, { offset }, this.stop.signal);
    if (found) this.learn(found);
  }

  private learn(found: { line?: number | null; offset?: number | null; end?: number | null }): void {
    if (typeof found.line !== "number" || typeof found.offset !== "number") return;
    this.document.learn(found.offset, found.end ?? null, found.line);
  }

  /** Do what is not being done yet; if it fails, it is asked for again by whoever needs it. */
  private once(what: string, act: () => Promise<void>): void {
    if (this.asked.has(what) || this.stop.signal.aborted) return;
    this.asked.add(what);
    const done = () => {
      this.asked.delete(what);
      this.tell();
    };
    act().then(done, () => setTimeout(done, AGAIN));
  }

  private move(state: SessionState): void {
    if (this.state === state) return;
    this.state = state;
    this.tell();
  }

  private fail(problem: ApiProblem | Error): void {
    this.problem = problem;
    this.move("failed");
  }

  /** Tell the listeners, once a frame however much comes in. */
  private tell(): void {
    if (this.told || this.stop.signal.aborted) return;
    this.told = true;
    const tell = () => {
      this.told = false;
      this.version += 1;
      for (const listener of [...this.listeners]) listener();
    };
    if (document.visibilityState === "visible") requestAnimationFrame(tell);
    else setTimeout(tell, 50);
  }
}
