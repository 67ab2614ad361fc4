import fc from "fast-check";
import { expect, test } from "vitest";
import { tokens } from "./escapes";
import { parseLine, plainText, styleBehind, unitsOf } from "./line";
import { marked } from "./marks";
import { applied, cssColour, inkColour, inkOn, PLAIN } from "./sgr";

const encoder = new TextEncoder();
const bytes = (text: string) => encoder.encode(text);
const shown = (text: string) => plainText(parseLine(bytes(text), 0));

test.each([
  ["plain", "plain"],
  ["a\tb", "a\tb"],
  ["10%\r20%\r30%", "30%"],
  ["long text\rno", "nong text"],
  ["done\r", "done"],
  ["a\rb\u001b[0m\r", "b"],
  ["longer\r\u001b[Kx", "x"],
  ["abc\b\bX", "aXc"],
  ["\u001b[31mred\u001b[0m plain", "red plain"],
  ["\u001b]0;title\u0007text", "text"],
  ["\u001b]8;;http://x\u001b\\link\u001b]8;;\u001b\\", "link"],
  ["\u001b[2J\u001b[Hgone\u001b[?25l", "gone"],
  ["\u009b31mred", "red"],
  ["\u009d0;title\u009ctext", "text"],
  ["\u001bPq secret \u001b\\x", "x"],
  ["a\u0000b\u0007c\u007fd", "abcd"],
  ["\u001b(Btext\u001b", "text"],
  ["end\u001b[3", "end"],
  ["\u202etxt\u2066x\u2069", "txtx"],
  ["<b>no markup</b>&amp;", "<b>no markup</b>&amp;"],
  ["进度 10%\r进度 20%", "进度 20%"],
  ["e\u0301x\rA", "Ax"],
])("a terminal would show %j as %j", (written, read) => {
  expect(shown(written)).toBe(read);
});

test("invalid bytes become a mark and hurt nothing", () => {
  const line = parseLine(new Uint8Array([0x61, 0xff, 0xe2, 0x82, 0x62]), 7);
  expect(plainText(line)).toBe("a\ufffd\ufffdb");
  expect(line.runs[0]).toMatchObject({ at: 7, bytes: 5 });
});

test("whatever the bytes, nothing that could act comes out, and every run tells its bytes", () => {
  const nasty = fc.array(
    fc.constantFrom(
      "\u001b",
      "[",
      "31",
      "m",
      "]",
      "\u0007",
      "a",
      "\r",
      "\b",
      "€",
      "\u009b",
      "K",
      "\u202e",
      "\\",
      "P",
    ),
  );
  fc.assert(
    fc.property(nasty, (parts) => {
      const whole = bytes(parts.join(""));
      const line = parseLine(whole, 0);
      expect(plainText(line)).not.toMatch(/(?!\t)\p{Cc}|[\u202a-\u202e\u2066-\u2069]/u);
      for (const run of line.runs) {
        if (run.at < 0) continue;
        expect(new TextDecoder().decode(whole.subarray(run.at, run.at + run.bytes))).toBe(run.text);
        expect(unitsOf(run, run.bytes)).toBe(run.text.length);
      }
    }),
  );
});

test("any bytes at all can be read", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), (data) => {
      let last = 0;
      for (const token of tokens(data)) {
        if (token.kind !== "text") continue;
        expect(token.start).toBeGreaterThanOrEqual(last);
        expect(token.end).toBeGreaterThan(token.start);
        last = token.end;
      }
      parseLine(data, 0);
    }),
  );
});

test("colour codes add up and are taken back", () => {
  const style = applied(applied(PLAIN, "1;31;48;5;208"), "4;38;2;1;2;255");
  expect(style).toEqual({ bold: true, fg: "#0102ff", bg: 208, underline: true });
  expect(applied(style, "22;39;49;24")).toEqual({});
  expect(applied(style, "")).toBe(PLAIN);
  expect(applied(PLAIN, "38:2::9:8:7;97")).toEqual({ fg: 15 });
  expect(applied(PLAIN, "38:2::9:8:7")).toEqual({ fg: "#090807" });
  expect(applied(PLAIN, "2;3;7;9;104")).toEqual({
    dim: true,
    italic: true,
    inverse: true,
    strike: true,
    bg: 12,
  });
  expect(applied(PLAIN, "38;5;999;4")).toEqual({ underline: true });
  expect(cssColour(196)).toBe("rgb(255 0 0)");
  expect(cssColour(244)).toBe("rgb(128 128 128)");
  expect(cssColour(3)).toBe("var(--ansi-3)");
  expect(inkColour(3)).toBe("var(--ansi-3)");
  expect(inkColour("#ffff00")).toMatch(/^oklch\(from #ffff00 clamp\(/);
});

test("a colour goes on over line ends", () => {
  expect(styleBehind(bytes("x\u001b[1;32mgreen\nstill"))).toEqual({ bold: true, fg: 2 });
  expect(parseLine(bytes("more"), 0, { fg: 2 }).runs[0]?.style).toEqual({ fg: 2 });
});

test("what is found is marked, whatever the bytes of its characters", () => {
  const { runs } = parseLine(bytes("aü€b\u001b[1mcd"), 100);
  const spans = marked(runs, [
    { start: 101, end: 106, current: false },
    { start: 106, end: 112, current: true },
  ]);
  expect(spans.map((span) => [span.text, span.mark])).toEqual([
    ["a", undefined],
    ["ü€", "match"],
    ["b", "current"],
    ["c", "current"],
    ["d", undefined],
  ]);
});

test("text on a background can be read", () => {
  expect([inkOn(226), inkOn(17), inkOn("#ffffff"), inkOn(4)]).toEqual([
    "#000",
    "#fff",
    "#000",
    "var(--surface)",
  ]);
});
