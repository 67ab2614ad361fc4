import fc from "fast-check";
import { expect, test } from "vitest";
import { LogDocument, type Need } from "./document";
import { parseLine, plainText } from "./line";
import { PAGE, Pages, ranges } from "./pages";
import { Pieces } from "./pieces";

const encoder = new TextEncoder();
const bytes = (text: string) => encoder.encode(text);
/** Reads everything that is needed from `whole`, as the platform would tell it. */
function serve(log: LogDocument, whole: Uint8Array, needs: readonly Need[]): void {
  for (const need of needs) {
    if (need.kind === "bytes") {
      for (const page of log.pages.missing(need.start, Math.min(need.end, log.size))) {
        log.pages.put(page * PAGE, whole.slice(page * PAGE, Math.min((page + 1) * PAGE, log.size)));
      }
    } else {
      const start = need.offset === 0 ? 0 : whole.lastIndexOf(10, need.offset - 1) + 1;
      const end = whole.indexOf(10, need.offset);
      const number = whole.subarray(0, start).filter((one) => one === 10).length + 1;
      log.learn(start, end < 0 || end >= log.size ? null : end, number);
    }
  }
}

function lines(log: LogDocument, whole: Uint8Array, anchor: number | "end", before: number, after: number) {
  for (;;) {
    const needs: Need[] = [];
    const found = log.window(anchor, before, after, needs);
    for (const line of found.lines) log.shown(line, needs);
    if (!needs.length) return found;
    serve(log, whole, needs);
  }
}

function opened(whole: Uint8Array): LogDocument {
  const log = new LogDocument();
  log.open(whole.length, whole.subarray(Math.max(0, whole.length - 2 * PAGE)));
  return log;
}

const texts = fc
  .array(
    fc.oneof(fc.constantFrom("a", "\n", "ü\n", "x".repeat(300), "\n\n"), fc.constant("y".repeat(70_000))),
    {
      maxLength: 12,
    },
  )
  .map((parts) => bytes(parts.join("")));

test("a window has the lines that lie there, wherever the pages are cut", () => {
  fc.assert(
    fc.property(texts, fc.nat(), fc.integer({ min: 0, max: 5 }), (whole, at, count) => {
      const expected: [number, number][] = [];
      for (let start = 0; start < whole.length; ) {
        const found = whole.indexOf(10, start);
        expected.push([start, found < 0 ? whole.length : found]);
        start = found < 0 ? whole.length : found + 1;
      }
      const log = opened(whole);
      const last = lines(log, whole, "end", count, 0).lines;
      expect(last.map((line) => [line.start, line.end])).toEqual(expected.slice(-count - 1));
      if (!whole.length) return;
      const wanted = at % whole.length;
      const index = expected.findIndex(([, end]) => wanted <= end);
      let start: number | undefined;
      while (start === undefined) {
        const needs: Need[] = [];
        start = log.startOf(wanted, needs);
        serve(log, whole, needs);
      }
      expect(start).toBe(expected[index]?.[0]);
      const around = lines(log, whole, start, count, count).lines;
      expect(around.map((line) => [line.start, line.end])).toEqual(
        expected.slice(Math.max(0, index - count), index + count + 1),
      );
    }),
    { numRuns: 60 },
  );
});

test("a log that grows has the same lines as one that is read at the end", () => {
  fc.assert(
    fc.property(texts, fc.array(fc.nat(), { maxLength: 6 }), (whole, cuts) => {
      const places = [...new Set([0, ...cuts.map((cut) => cut % (whole.length + 1)), whole.length])].sort(
        (a, b) => a - b,
      );
      const log = opened(whole.subarray(0, places[0]));
      log.learnEnd(0, 0);
      for (const [index, from] of places.entries()) {
        // Some bytes come twice, as after a reconnection.
        const again = Math.max(0, from - 3);
        expect(log.append(again, whole.subarray(again, places[index + 1] ?? whole.length))).toBe(true);
      }
      expect(log.size).toBe(whole.length);
      expect(log.append(whole.length + 1, bytes("gap"))).toBe(false);
      const grown = lines(log, whole, "end", 4, 0).lines;
      expect(grown).toEqual(lines(opened(whole), whole, "end", 4, 0).lines);
      const total = whole.filter((one) => one === 10).length;
      const tail = grown.at(-1);
      if (tail) expect(log.numberOf(tail)).toBe(tail.open ? total + 1 : total);
    }),
    { numRuns: 60 },
  );
});

test("a long line is cut, a progress bar's end is shown", () => {
  const bar = Array.from({ length: 4000 }, (_, index) => `\rstep ${index}/4000`).join("");
  const whole = bytes(`${"z".repeat(200_000)}\n${bar}\nend\n`);
  const log = opened(whole);
  const [first, second] = lines(log, whole, 0, 0, 5).lines;
  if (!first || !second) throw new Error("lines are missing");
  expect(log.shown(first, [])).toMatchObject({ from: 0, hidden: 200_000 - 8192 });
  const told = log.shown(second, []);
  expect(plainText(parseLine(told?.bytes ?? new Uint8Array(), 0))).toBe("step 3999/4000");
  log.expand(first.start, 1_000_000);
  lines(log, whole, 0, 0, 0);
  expect(log.shown(first, [])).toMatchObject({ hidden: 0 });
});

test("no more bytes are kept than the limit says", () => {
  const pages = new Pages(4);
  pages.put(0, new Uint8Array(10 * PAGE));
  expect(pages.bytes).toBe(4 * PAGE);
  expect(pages.slice(0, 10)).toBeUndefined();
  expect(pages.slice(9 * PAGE - 5, 9 * PAGE + 5)).toHaveLength(10);
});

test("each byte is told by whom and when", () => {
  const pieces = new Pieces();
  const told = [
    { offset: 0, stderr: false, time: 1 },
    { offset: 10, stderr: true, time: 2 },
    { offset: PAGE + 5, stderr: false, time: 3 },
  ];
  pieces.put(0, PAGE + 9, told);
  expect([0, 9, 10, PAGE, PAGE + 5].map((at) => pieces.at(at)?.time)).toEqual([1, 1, 2, 2, 3]);
  expect(pieces.at(PAGE + 9)).toBeUndefined();
  pieces.put(PAGE + 9, PAGE + 20, [{ offset: PAGE + 9, stderr: true, time: 4 }]);
  expect([PAGE + 8, PAGE + 9].map((at) => pieces.at(at)?.time)).toEqual([3, 4]);
  expect(pieces.unknownFrom(PAGE)).toBe(PAGE + 20);
});

test("neighbouring pages are fetched at once", () => {
  expect(ranges([1, 2, 3, 7], 2, 7 * PAGE + 5)).toEqual([
    [PAGE, 3 * PAGE],
    [3 * PAGE, 4 * PAGE],
    [7 * PAGE, 7 * PAGE + 5],
  ]);
});
