import fc from "fast-check";
import { expect, test } from "vitest";
import { type Chunk, chunkBytes, follow } from "./follower";
import { formatPlace, parsePlace } from "./links";
import { EventParser } from "./sse";

const encoder = new TextEncoder();
const bytes = (text: string) => encoder.encode(text);
test("events come out whole, however the stream is cut", () => {
  const stream = bytes(': ping\n\nid: 3\ndata: {"a":\ndata: 1}\n\nevent: end\ndata: ü\r\n\r\n');
  fc.assert(
    fc.property(fc.array(fc.nat(stream.length)), (cuts) => {
      const parser = new EventParser();
      const places = [0, ...cuts.sort((a, b) => a - b), stream.length];
      const found = places.flatMap((from, index) =>
        parser.feed(stream.subarray(from, places[index + 1] ?? stream.length)),
      );
      expect(found).toEqual([
        { name: "message", data: '{"a":\n1}' },
        { name: "end", data: "ü" },
      ]);
    }),
  );
});

/** A platform whose connections break anywhere, and that sends some bytes again. */
function breaking(whole: Uint8Array, breaks: number[], asked: number[]): typeof fetch {
  return async (url) => {
    const from = Number(new URL(String(url), "http://x").searchParams.get("offset"));
    asked.push(from);
    if (asked.length % 4 === 3) return new Response("{}", { status: 503 });
    const start = Math.max(0, from - (asked.length % 2));
    let text = "";
    for (let at = start; at < whole.length; at += 5) {
      const part = whole.slice(at, at + 5);
      text += `id: ${at + part.length}\ndata: ${JSON.stringify({ offset: at, base64: btoa(String.fromCharCode(...part)) } satisfies Chunk)}\n\n`;
    }
    text += `event: end\ndata: ${JSON.stringify({ size: whole.length, attempt: 1, state: "succeeded", exit_code: 0 })}\n\n`;
    const stop = breaks.shift();
    const cut = stop === undefined ? bytes(text) : bytes(text).slice(0, stop);
    return new Response(cut, { status: 200 });
  };
}

test("a connection that breaks again and again loses no byte and doubles none", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.uint8Array({ maxLength: 80 }),
      fc.array(fc.nat(2000), { maxLength: 8 }),
      async (whole, breaks) => {
        const found: number[] = [];
        const states = new Set<string>();
        let ended = 0;
        await follow(
          {
            url: (offset) => `/stream?offset=${offset}`,
            offset: 0,
            onBytes: (offset, part) => {
              expect(offset).toBe(found.length);
              found.push(...part);
            },
            onState: (state) => states.add(state),
            onEnd: () => {
              ended += 1;
            },
            onProblem: () => expect.unreachable(),
            fetch: breaking(whole, breaks, []),
            pause: () => 0,
          },
          new AbortController().signal,
        );
        expect(Uint8Array.from(found)).toEqual(whole);
        expect(ended).toBe(1);
        expect(states.has("live")).toBe(true);
      },
    ),
    { numRuns: 40 },
  );
});

test("a refusal ends the following", async () => {
  let code = "";
  await follow(
    {
      url: () => "/",
      offset: 0,
      onBytes: () => undefined,
      onState: () => undefined,
      onEnd: () => undefined,
      onProblem: (problem) => {
        code = problem.code;
      },
      fetch: async () => new Response('{"code": "job_not_found"}', { status: 404 }),
    },
    new AbortController().signal,
  );
  expect(code).toBe("job_not_found");
});

test("a chunk's bytes are its text or its base64", () => {
  expect(chunkBytes({ offset: 0, text: "ü" })).toEqual(new Uint8Array([0xc3, 0xbc]));
  expect(chunkBytes({ offset: 0, base64: "/w==" })).toEqual(new Uint8Array([255]));
});

test("a place in a log can be written down and read again", () => {
  const place = { log: "stdout.log", lines: { from: 120, to: 130, offset: 5321 } } as const;
  expect(formatPlace(place)).toBe("#stdout.log:L120-L130@5321");
  expect(parsePlace(formatPlace(place))).toEqual(place);
  expect(parsePlace("#stderr.log:L7")).toEqual({
    log: "stderr.log",
    lines: { from: 7, to: 7, offset: undefined },
  });
  expect(parsePlace("system.log")).toEqual({ log: "system.log", lines: undefined });
  expect(parsePlace("#stdout.log:L9-L3")?.lines).toMatchObject({ from: 3, to: 9 });
  for (const bad of ["", "#other.log", "#stdout.log:L", "#stdout.log:L1@x"])
    expect(parsePlace(bad)).toBeUndefined();
});
