import { execFileSync } from "node:child_process";
import fc from "fast-check";
import { expect, test } from "vitest";
import { ApiProblem, type Schema } from "@/api/client";
import { amount, type JobDraft, problemAt, problemsOf, toCreate, withField } from "./draft";
import { connectionFor, splitPaths } from "./paths";
import { looksSecret, secretsInWords } from "./suspicion";
import { quoteWord, splitWords, withoutWords } from "./words";
import { listZip, NoZip, onlyFolder, type ZipEntry } from "./zip";

test.each([
  ["", []],
  ["--epochs 3", ["--epochs", "3"]],
  ['--name \'my run\' "a \\"b\\" \\c"', ["--name", "my run", 'a "b" \\c']],
  ["a\\ b\n  c", ["a b", "c"]],
  ["''", [""]],
  ["x''y\"z\"", ["xyz"]],
])("%j is split as a shell does", (text, words) => {
  expect(splitWords(text)).toEqual({ words });
});

test("what is not closed is named", () => {
  expect(splitWords("a 'b")).toEqual({ words: ["a", "b"], unclosed: "'" });
  expect(splitWords('a "b\\"').unclosed).toBe('"');
  expect(splitWords("a\\").unclosed).toBe("\\");
});

test("words that are quoted and split come back", () => {
  fc.assert(
    fc.property(fc.array(fc.string()), (words) => {
      expect(splitWords(words.map(quoteWord).join(" "))).toEqual({ words });
    }),
  );
});

test("words are split as Python's shlex does", () => {
  const chars = fc.constantFrom("a", "b", " ", "'", '"', "\\", "\n", "$", "#");
  const texts = fc.sample(fc.string({ unit: chars, maxLength: 12 }), 500);
  const script =
    "import json,shlex,sys\ndef s(t):\n  try: return shlex.split(t)\n  except ValueError: return None\n" +
    "print(json.dumps([s(t) for t in json.load(sys.stdin)]))";
  const theirs = JSON.parse(
    execFileSync("python3", ["-c", script], { input: JSON.stringify(texts) }).toString(),
  ) as (string[] | null)[];
  const ours = texts.map((text) => {
    const { words, unclosed } = splitWords(text);
    return unclosed ? null : words;
  });
  expect(ours).toEqual(theirs);
});

test("a field is set, nested, and left out again", () => {
  const draft = withField({ arguments: "a" }, "resources.gpus", 2);
  expect(draft).toEqual({ arguments: "a", resources: { gpus: 2 } });
  expect(withField(draft, "resources.gpus", undefined)).toEqual({ arguments: "a" });
  expect(withField(draft, "arguments", undefined)).toEqual({ resources: { gpus: 2 } });
});

test("numbers stay what was typed until they are whole", () => {
  expect(["", "3", "x", "${gpus}", "-1"].map(amount)).toEqual([undefined, 3, "x", "${gpus}", "-1"]);
});

test("a refusal is told at its fields", () => {
  const listed = new ApiProblem(422, {
    detail: "d",
    errors: [
      { field: "resources.gpus", code: "x", message: "too many" },
      { field: "elsewhere", code: "x", message: "odd" },
    ],
  });
  expect(problemsOf(listed)).toEqual({ "resources.gpus": "too many", "": "odd" });
  const single = new ApiProblem(422, { detail: "is unknown", field: "environment", hint: "set it" });
  expect(problemsOf(single)).toEqual({ environment: "is unknown · set it" });
  expect(problemAt({ "environment.A": "x", "environment.B": "y", name: "z" }, "environment")).toBe("x y");
});

test("what was left empty is not sent", () => {
  const draft: JobDraft = { arguments: "", name: "n", resources: { gpus: 1 } };
  expect(toCreate(draft)).toEqual({ name: "n", resources: { gpus: 1 } });
});

test.each([
  ["WANDB_API_KEY", "abc", true],
  ["HF", "hf_abcdefgh", true],
  ["X", "9f8a7b6c5d4e3f2a1b0c9d8e7f6a5b4c", true],
  ["TOKENIZERS_PARALLELISM", "false", false],
  ["MAX_TOKENS", "512", false],
  ["API_TOKEN", "${secrets.API_TOKEN}", false],
  ["DATA", "/mnt/data/imagenet/train/images/all", false],
])("%s=%s looks like a secret: %s", (name, value, expected) => {
  expect(looksSecret(name, value)).toBe(expected);
});

test("options whose value looks like a secret are named", () => {
  const words = ["--lr", "1", "--api-key", "hf_abc", "--token=xyz", "ghp_abc123", "--password", "${secret}"];
  expect(secretsInWords(words)).toEqual([
    { said: "--api-key", name: "API_KEY", value: "hf_abc", words: [2, 3] },
    { said: "--token", name: "TOKEN", value: "xyz", words: [4] },
    { said: "ghp_ab…", name: "TOKEN", value: "ghp_abc123", words: [5] },
  ]);
});

test("words taken out of a command line leave the others as they were typed", () => {
  expect(withoutWords("--lr  '0.1' --token \"a b\" \\\n  --out ${o}", [2, 3])).toBe(
    "--lr  '0.1' \\\n  --out ${o}",
  );
  expect(withoutWords("--token=x", [0])).toBe("");
});

test("paths go through the first connection that allows them", () => {
  const connection = (name: string, kind: "s3" | "cos", allowed: string[]): Schema<"Connection"> => ({
    name,
    kind,
    allowed,
    region: "",
    addressing: "path",
    access_key_id: "",
    endpoint: null,
  });
  const all = [
    connection("b", "s3", ["data"]),
    connection("a", "s3", ["data/x/"]),
    connection("c", "cos", ["data"]),
  ];
  expect(connectionFor("s3://data/x/y", all)?.name).toBe("a");
  expect(connectionFor("s3://data/z", all)?.name).toBe("b");
  expect(connectionFor("cos://data/z", all)?.name).toBe("c");
  expect(connectionFor("s3://other/z", all)).toBeUndefined();
  expect(splitPaths("s3://a/b, ,\ns3://c/")).toEqual(["s3://a/b", "s3://c/"]);
});

const PACK =
  "import sys,io,zipfile,json\nb=io.BytesIO()\nwith zipfile.ZipFile(b,'w',zipfile.ZIP_DEFLATED) as z:\n" +
  "  for n,t in json.load(sys.stdin).items(): z.writestr(n,t)\nsys.stdout.buffer.write(b.getvalue())";
const packed = (files: Record<string, string>): Uint8Array =>
  new Uint8Array(execFileSync("python3", ["-c", PACK], { input: JSON.stringify(files) }));
const listed = (bytes: Uint8Array): Promise<ZipEntry[]> =>
  listZip(bytes.length, async (start, end) => bytes.subarray(start, end));

test("a zip's directory is read", async () => {
  const found = await listed(packed({ "a.py": "x", "数据/b.txt": "hello" }));
  expect(found.map(({ path, size }) => [path, size])).toEqual([
    ["a.py", 1],
    ["数据/b.txt", 5],
  ]);
  expect(onlyFolder(found)).toBeUndefined();
});

test("a zip of one folder is noticed", async () => {
  expect(onlyFolder(await listed(packed({ "src/a.py": "x", "src/b/c.py": "y", "__MACOSX/x": "" })))).toBe(
    "src",
  );
});

test("what is no zip is said to be none", async () => {
  await expect(listed(new TextEncoder().encode("not a zip"))).rejects.toThrow(NoZip);
});
