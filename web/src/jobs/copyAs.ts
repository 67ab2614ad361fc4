/** A job as somebody would submit it from a terminal or from Python. */
import type { Schema } from "@/api/client";
import { splitWords } from "@/fields/words";

type Spec = Schema<"JobSpec">;

const DEFAULTS = {
  resources: { gpus: 0, gpu_model: null, cpus: 1, memory_mb: 2048, nodes: 1, timeout_seconds: 86400 },
  retries: { after_failure: 0, after_loss: 0 },
  grace_seconds: 30,
  warm: true,
} as const;

type Plain = Record<string, unknown>;

const isEmpty = (value: unknown) =>
  value === "" ||
  value === null ||
  value === undefined ||
  (typeof value === "object" && Object.keys(value).length === 0);

function unlike(values: Plain, defaults: Plain): Plain {
  return Object.fromEntries(
    Object.entries(values).filter(([name, value]) => value !== defaults[name] && !isEmpty(value)),
  );
}

/** What differs from the defaults, without the files. */
export function settingsOf(spec: Spec): Plain {
  const { script, dependencies, resources, retries, ...rest } = spec;
  void dependencies;
  const all = {
    ...rest,
    arguments: escaped(rest.arguments),
    dependency_paths: escaped(rest.dependency_paths),
    resources: unlike(resources as Plain, DEFAULTS.resources),
    retries: unlike(retries as Plain, DEFAULTS.retries),
  };
  const { name, ...settings } = unlike(all, DEFAULTS);
  return name === script.name ? settings : { name, ...settings };
}

/** The accepted copy holds a `${` as it is; in a new job it would be a reference. */
const escaped = (text: string) => text.replaceAll("${", () => "$${");

/** One word for a POSIX shell. */
export function shellWord(word: string): string {
  return /^[A-Za-z0-9_@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}

const broken = (parts: readonly string[]) => parts.join(" \\\n  ");

/** What the job's files are called in the copied command; a tree of files was a folder. */
function dependenciesName(spec: Spec): string | undefined {
  return spec.dependencies?.name;
}

export function asCurl(spec: Spec, origin: string): string {
  const [settings, dependencies] = [settingsOf(spec), dependenciesName(spec)];
  return broken([
    `curl -H "Authorization: Bearer $TORCHYARD_TOKEN"`,
    `-F ${shellWord(`script=@${spec.script.name}`)}`,
    ...(dependencies ? [`-F ${shellWord(`dependencies=@${dependencies}`)}`] : []),
    // Of a form's text, -F cuts off what stands behind a semicolon.
    ...(isEmpty(settings) ? [] : [`--form-string ${shellWord(`spec=${JSON.stringify(settings)}`)}`]),
    `${origin}/api/v1/jobs`,
  ]);
}

const FLAGS: Readonly<Record<string, string>> = {
  gpus: "--gpus",
  gpu_model: "--gpu-model",
  cpus: "--cpus",
  memory_mb: "--memory-mb",
  timeout_seconds: "--timeout",
  after_failure: "--retries",
  after_loss: "--retries-after-loss",
  name: "--name",
  runtime: "--runtime",
  grace_seconds: "--grace",
};

export function asCommand(spec: Spec, origin: string): string {
  const settings = settingsOf(spec);
  const flat: Plain = { ...settings, ...(settings["resources"] ?? {}), ...(settings["retries"] ?? {}) };
  const flags = Object.entries(FLAGS).flatMap(([name, flag]) =>
    flat[name] === undefined ? [] : [`${flag} ${shellWord(String(flat[name]))}`],
  );
  const { words } = splitWords(escaped(spec.arguments));
  const paths = escaped(spec.dependency_paths)
    .split(",")
    .map((path) => path.trim())
    .filter(Boolean);
  const variables = Object.entries(spec.environment).map(([name, value]) => `${name}=${value}`);
  const inputs = Object.entries(spec.inputs).map(([name, source]) => `${name}=${source}`);
  const dependencies = dependenciesName(spec);
  return broken([
    `TORCHYARD_URL=${shellWord(origin)} torchyard run ${shellWord(spec.script.name)}`,
    ...(dependencies ? [`--deps ${shellWord(dependencies)}`] : []),
    ...paths.map((path) => `--dep ${shellWord(path)}`),
    ...inputs.map((input) => `--input ${shellWord(input)}`),
    ...variables.map((variable) => `--env ${shellWord(variable)}`),
    ...(spec.requirements ? ["--requirements requirements.txt"] : []),
    ...flags,
    ...(spec.warm ? [] : ["--cold"]),
    ...(words.length ? [`-- ${words.map(shellWord).join(" ")}`] : []),
  ]);
}

/** A value as Python writes it. */
export function pythonValue(value: unknown): string {
  if (value === null || value === undefined) return "None";
  if (typeof value === "boolean") return value ? "True" : "False";
  if (typeof value === "string") return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(pythonValue).join(", ")}]`;
  if (typeof value === "object") {
    const items = Object.entries(value).map(([name, one]) => `${JSON.stringify(name)}: ${pythonValue(one)}`);
    return `{${items.join(", ")}}`;
  }
  return String(value);
}

export function asPython(spec: Spec, origin: string): string {
  const dependencies = dependenciesName(spec);
  const settings = { ...(dependencies ? { dependencies } : {}), ...settingsOf(spec) };
  const given = Object.entries(settings).map(([name, value]) => `        ${name}=${pythonValue(value)},`);
  return [
    "import torchyard",
    "",
    `with torchyard.Client(${JSON.stringify(origin)}) as client:  # the token is TORCHYARD_TOKEN`,
    "    job = client.submit(",
    `        ${JSON.stringify(spec.script.name)},`,
    ...given,
    "    )",
    "    print(client.wait(job.id).sentence)",
    "",
  ].join("\n");
}
