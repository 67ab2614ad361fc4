import { execFileSync } from "node:child_process";
import fc from "fast-check";
import { expect, test } from "vitest";
import type { Schema } from "@/api/client";
import { asCommand, asCurl, asPython, pythonValue, settingsOf, shellWord } from "./copyAs";
import { parseCsv, separatorOf } from "./csv";
import { readFilter, toQuery, writeFilter } from "./filter";
import { phasesOf } from "./phases";
import { lastOwnFrame, lastTraceback } from "./traceback";

const SPEC: Schema<"JobSpec"> = {
  name: "train.py",
  script: { sha256: "0".repeat(64), name: "train.py" },
  dependencies: { sha256: "1".repeat(64), name: "my deps.zip" },
  dependency_paths: "s3://lab/a/, cos://lab/b",
  arguments: "--epochs 3 --name 'my run'",
  environment: { MODE: "it's" },
  inputs: {},
  requirements: "",
  resources: { gpus: 1, gpu_model: null, cpus: 1, memory_mb: 2048, nodes: 1, timeout_seconds: 86400 },
  runtime: "torch-2.13-cpu",
  retries: { after_failure: 2, after_loss: 0 },
  grace_seconds: 30,
  warm: true,
};

test("only what differs from the defaults is copied", () => {
  expect(settingsOf(SPEC)).toEqual({
    dependency_paths: "s3://lab/a/, cos://lab/b",
    arguments: "--epochs 3 --name 'my run'",
    environment: { MODE: "it's" },
    runtime: "torch-2.13-cpu",
    resources: { gpus: 1 },
    retries: { after_failure: 2 },
  });
});

const wordsOf = (command: string): string[] => {
  const print =
    'import json,shlex,sys; print(json.dumps(shlex.split(sys.stdin.read().replace("\\\\\\n"," "))))';
  return JSON.parse(execFileSync("python3", ["-c", print], { input: command }).toString()) as string[];
};

test("the curl command is one shell command with the same settings", () => {
  const words = wordsOf(asCurl(SPEC, "http://x:8000"));
  expect(words).toContain("script=@train.py");
  expect(words).toContain("dependencies=@my deps.zip");
  // -F would cut a text at a semicolon.
  expect(words.at(-3)).toBe("--form-string");
  const spec = words.find((word) => word.startsWith("spec=")) ?? "";
  expect(JSON.parse(spec.slice(5))).toEqual(settingsOf(SPEC));
  expect(words.at(-1)).toBe("http://x:8000/api/v1/jobs");
});

test("the terminal's command has every setting as an option", () => {
  expect(wordsOf(asCommand(SPEC, "http://x:8000"))).toEqual([
    "TORCHYARD_URL=http://x:8000",
    ...["torchyard", "run", "train.py", "--deps", "my deps.zip"],
    ...["--dep", "s3://lab/a/", "--dep", "cos://lab/b", "--env", "MODE=it's"],
    ...["--gpus", "1", "--retries", "2", "--runtime", "torch-2.13-cpu"],
    ...["--", "--epochs", "3", "--name", "my run"],
  ]);
});

test("what a shell or a new job would read otherwise is quoted and escaped", () => {
  const odd = { ...SPEC, arguments: "'$HOME' '*' '${x}' a\\;b" };
  expect(wordsOf(asCommand(odd, "http://x")).slice(-4)).toEqual(["$HOME", "*", "$${x}", "a;b"]);
  expect(settingsOf(odd)["arguments"]).toContain("'$${x}'");
});

test("the Python program is one, and submits the same", () => {
  const parsed = execFileSync(
    "python3",
    ["-c", "import ast,sys; print(ast.dump(ast.parse(sys.stdin.read())))"],
    { input: asPython(SPEC, "http://x:8000") },
  ).toString();
  for (const word of ["submit", "'my deps.zip'", "'after_failure'"]) expect(parsed).toContain(word);
});

test("a word for the shell comes back as it was", () => {
  const texts = fc.sample(
    fc.string({ unit: fc.constantFrom("a", "'", '"', " ", "$", "\\", "`", "中") }),
    100,
  );
  expect(wordsOf(texts.map(shellWord).join(" "))).toEqual(texts);
});

test("values are written as Python's", () => {
  expect(pythonValue({ a: [true, null, 1.5], b: "x\n" })).toBe('{"a": [True, None, 1.5], "b": "x\\n"}');
});

test("CSV is read with quotes, commas and line breaks in cells", () => {
  expect(parseCsv('a,"b, c","d ""e"""\r\n1,"x\ny",\n').rows).toEqual([
    ["a", "b, c", 'd "e"'],
    ["1", "x\ny", ""],
  ]);
  expect(parseCsv("a\n\nb").rows).toEqual([["a"], [""], ["b"]]);
  expect(parseCsv("1\n2\n3\n", ",", 2)).toEqual({ rows: [["1"], ["2"]], cut: true });
});

test("CSV that Python writes is read as it was", () => {
  const cell = fc.string({ unit: fc.constantFrom("a", ",", '"', "\n", " ", "é"), maxLength: 5 });
  const tables = fc.sample(
    fc.array(fc.array(cell, { minLength: 2, maxLength: 3 }), { minLength: 1, maxLength: 4 }),
    50,
  );
  const write =
    "import csv,io,json,sys\ndef w(t):\n  f=io.StringIO()\n  csv.writer(f).writerows(t)\n  return f.getvalue()\n" +
    "print(json.dumps([w(t) for t in json.load(sys.stdin)]))";
  const written = JSON.parse(
    execFileSync("python3", ["-c", write], { input: JSON.stringify(tables) }).toString(),
  ) as string[];
  expect(written.map((text) => parseCsv(text).rows)).toEqual(tables);
});

test("the separator is told by the first line", () => {
  expect(["a,b\n;;;", "a\tb\n", "a;b;c"].map(separatorOf)).toEqual([",", "\t", ";"]);
});

const WORK = "/srv/worker/attempts/c221dd1f/work";
const LOG = `Epoch 1
Traceback (most recent call last):
  File "${WORK}/train.py", line 3, in <module>
    first()
KeyError: 'x'

During handling of the above exception, another exception occurred:

Traceback (most recent call last):
  File "${WORK}/train.py", line 10, in <module>
    main()
  File "${WORK}/lib/data.py", line 7, in main
    json.loads("{")
    ^^^^^^^^^^^^^^^
  File "/usr/lib/python3.11/json/__init__.py", line 346, in loads
    return _default_decoder.decode(s)
  File "<frozen importlib>", line 1, in decode
RuntimeError: two lines:
  size mismatch

later output
`;

test("the last traceback is found, with paths as the user knows them", () => {
  const found = lastTraceback(LOG);
  expect(found?.summary).toBe("RuntimeError: two lines:");
  expect(found?.text).toContain("  size mismatch");
  expect(found?.text).not.toContain("later output");
  expect(found?.text).not.toContain("/attempts/");
  expect(found?.frames.map(({ file, line }) => `${file}:${line}`).slice(0, 2)).toEqual([
    "train.py:10",
    "lib/data.py:7",
  ]);
});

test("the last frame in the user's own files is found below the libraries'", () => {
  const found = lastTraceback(LOG);
  expect(found && lastOwnFrame(found)).toEqual({ file: "lib/data.py", line: 7, where: "main" });
  const venv =
    'Traceback (most recent call last):\n  File "/v/lib/python3.11/site-packages/torch/x.py", line 1, in f\nE: x';
  const foreign = lastTraceback(venv);
  expect(foreign && lastOwnFrame(foreign)).toBeUndefined();
});

test("a syntax error has a frame without a function", () => {
  const found = lastTraceback(
    `Traceback (most recent call last):\n  File "${WORK}/a.py", line 2\n    x =\nSyntaxError: bad`,
  );
  expect(found?.frames).toEqual([{ file: "a.py", line: 2, where: "" }]);
});

test("text without a traceback has none", () => {
  expect(lastTraceback("all is well\n")).toBeUndefined();
});

test("a filter goes through the address", () => {
  const params = new URLSearchParams("state=failed&state=nonsense&text=a+b&period=day&owner=lin&workflow=w1");
  const filter = readFilter(params);
  expect(filter.states).toEqual(["failed"]);
  expect(readFilter(writeFilter(filter))).toEqual(filter);
  expect(toQuery(filter, Date.parse("2026-01-02T00:00:00Z"))).toEqual({
    state: ["failed"],
    text: "a b",
    owner: "lin",
    workflow: "w1",
    created_after: "2026-01-01T00:00:00.000Z",
  });
});

test("an attempt's time is split into its phases", () => {
  const at = (second: number) => `2026-01-01T00:00:${String(second).padStart(2, "0")}Z`;
  const attempt: Schema<"Attempt"> = {
    number: 1,
    state: "succeeded",
    gpus: [],
    created_at: at(0),
    claimed_at: at(5),
    started_at: at(7),
    script_ended_at: at(20),
    finished_at: at(21),
  };
  const lengths = (spans: ReturnType<typeof phasesOf>) =>
    spans.map(({ phase, from, until, open }) => `${phase} ${(until - from) / 1000}${open ? "+" : ""}`);
  expect(lengths(phasesOf(attempt, 0))).toEqual(["waiting 5", "staging 2", "running 13", "collecting 1"]);
  const running = { ...attempt, script_ended_at: null, finished_at: null };
  expect(lengths(phasesOf(running, Date.parse(at(30))))).toEqual(["waiting 5", "staging 2", "running 23+"]);
  const cancelled = { ...attempt, claimed_at: null, started_at: null, script_ended_at: null };
  expect(lengths(phasesOf(cancelled, 0))).toEqual(["waiting 21"]);
});
