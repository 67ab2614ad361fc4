import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";

const HERE = import.meta.dirname;
const SOURCE = join(HERE, "..");

function keys(value: unknown, prefix = ""): string[] {
  if (typeof value !== "object" || value === null) return [prefix];
  return Object.entries(value).flatMap(([key, inner]) => keys(inner, prefix ? `${prefix}.${key}` : key));
}

function placeholders(value: unknown): string[] {
  return typeof value === "string"
    ? [...value.matchAll(/\{\{\s*(\w+)/g)].map((match) => match[1] ?? "").sort()
    : Object.values(value as object).flatMap(placeholders);
}

function texts(value: unknown): string[] {
  return typeof value === "string" ? [value] : Object.values(value as object).flatMap(texts);
}

function read(language: string, file: string): object {
  return JSON.parse(readFileSync(join(HERE, language, file), "utf8")) as object;
}

/** i18next's plural endings; Chinese has `other` alone. */
const withoutPlural = (key: string) => key.replace(/_(zero|one|two|few|many|other)$/, "");

test.each(readdirSync(join(HERE, "en")))("%s says the same in both languages", (file) => {
  const [en, zh] = [read("en", file), read("zh", file)];
  const distinct = (found: string[]) => [...new Set(found.map(withoutPlural))].sort();
  expect(distinct(keys(zh))).toEqual(distinct(keys(en)));
  // Some words of the platform's English have no place in other languages.
  const needed = file === "said.json" ? placeholders(zh) : placeholders(en);
  expect(new Set(placeholders(zh))).toEqual(new Set(needed));
});

test("of what the platform says, nothing is put in that it does not tell", () => {
  const [en, zh] = [read("en", "said.json"), read("zh", "said.json")] as Record<
    string,
    Record<string, string>
  >[];
  const other = (texts: Record<string, string> | undefined, key: string) =>
    texts?.[key] ?? texts?.[`${key}_other`];
  for (const [key, text] of Object.entries(zh?.["sentence"] ?? {})) {
    const told = other(en?.["sentence"], withoutPlural(key)) ?? "";
    expect(placeholders(told), key).toEqual(expect.arrayContaining(placeholders(text)));
  }
});

/** Commas, colons, brackets and the like of other scripts beside a Chinese character. */
const HALF_WIDTH =
  /[\u4e00-\u9fff][,:;?!"]|[\u4e00-\u9fff]\s*[()]|[,;:?!"]\s*[\u4e00-\u9fff]|[()]\s*[\u4e00-\u9fff]/;

test.each(readdirSync(join(HERE, "zh")))("%s has the marks of Chinese in its sentences", (file) => {
  expect(texts(read("zh", file)).filter((text) => HALF_WIDTH.test(text))).toEqual([]);
});

test("so have the templates' descriptions", () => {
  const templates = readFileSync(join(SOURCE, "../../platform/torchyard/templates/index.yaml"), "utf8");
  const values = [...templates.matchAll(/^ +\w+: (.*)$/gm)].map((match) => match[1] ?? "");
  expect(values.length).toBeGreaterThan(0);
  expect(values.filter((text) => HALF_WIDTH.test(text))).toEqual([]);
});

test("no text for people stands in the code", () => {
  const found = readdirSync(SOURCE, { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".tsx") && !file.endsWith(".test.tsx"))
    .flatMap((file) => {
      const code = readFileSync(join(SOURCE, file), "utf8").replace(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, "");
      const texts = [
        ...code.matchAll(/>\s*([A-Za-z\u4e00-\u9fff][^<>{}=;()]*[A-Za-z\u4e00-\u9fff.!?])\s*<\//g),
        ...code.matchAll(/(?:aria-label|title|placeholder|alt)="([^"]*[A-Za-z\u4e00-\u9fff][^"]*)"/g),
        ...code.matchAll(/["'`][^"'`\n]*[\u4e00-\u9fff][^"'`\n]*["'`]/g),
      ];
      return texts.map((match) => `${file}: ${match[1] ?? match[0]}`);
    });
  expect(found).toEqual([]);
});
