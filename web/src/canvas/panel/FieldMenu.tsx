/** Beside a field: makes a parameter of the workflow of it, or puts a known one in. */
import { Variable } from "lucide-react";
import { useTranslation } from "react-i18next";
import { IconButton } from "@/ui/Button";
import { Menu, MenuItem, MenuLabel, MenuSeparator } from "@/ui/Menu";
import { useEditor, useEditorParts } from "../context";
import { changed } from "../model/changes";
import type { Graph, Json, Parameter } from "../model/graph";

/** Fields that name files, or hold more than a text. */
const FIXED = new Set(["script", "dependencies", "environment"]);

/** What counts where a field is left empty. */
const STANDARDS: Readonly<Record<string, number>> = {
  "resources.gpus": 0,
  "resources.cpus": 1,
  "resources.memory_mb": 2048,
  "resources.timeout_seconds": 86400,
  "retries.after_failure": 0,
  "retries.after_loss": 0,
  grace_seconds: 30,
};

export function FieldMenu({ node, path }: { node: string; path: string }) {
  const { t } = useTranslation("canvas");
  const { store } = useEditorParts();
  const graph = useEditor((state) => state.history.graph);
  const readOnly = useEditor((state) => state.readOnly);
  const found = graph.nodes.find((one) => one.name === node);
  if (readOnly || !found || FIXED.has(path)) return null;
  const steps = path.split(".");
  const value = valueAt(found.settings as Json, steps) ?? STANDARDS[path];

  /** The parameter and the field change in one step. */
  function use(name: string, parameters: readonly Parameter[]): void {
    const { history, change } = store.getState();
    const text = name === "" ? "" : `\${${name}}`;
    const before: Graph = { ...history.graph, parameters };
    const after = changed(before, { type: "set", node: found?.id ?? "", path: steps, value: text });
    change({ type: "replace", graph: after });
  }

  function make(): void {
    const name = freeParameter(graph, steps.at(-1) ?? "value");
    use(name, [...graph.parameters, { name, ...typed(value) }]);
  }

  return (
    <Menu
      trigger={
        <IconButton label={t("field.menu", { field: path })} className="h-6! min-w-6! px-1!">
          <Variable aria-hidden className="size-3.5" />
        </IconButton>
      }
    >
      <MenuItem onSelect={make}>{t("field.make")}</MenuItem>
      {graph.parameters.length ? (
        <>
          <MenuSeparator />
          <MenuLabel>{t("field.use")}</MenuLabel>
          {graph.parameters.map((parameter) => (
            <MenuItem key={parameter.name} onSelect={() => use(parameter.name, graph.parameters)}>
              <code className="font-mono text-xs">{parameter.name}</code>
            </MenuItem>
          ))}
        </>
      ) : null}
    </Menu>
  );
}

function valueAt(value: Json, [key, ...rest]: readonly string[]): Json | undefined {
  if (key === undefined) return value;
  if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
  const inner = value[key];
  return inner === undefined ? undefined : valueAt(inner, rest);
}

function typed(value: Json | undefined): Pick<Parameter, "type" | "default"> {
  if (typeof value === "number")
    return { type: Number.isInteger(value) ? "integer" : "number", default: value };
  if (typeof value === "boolean") return { type: "boolean", default: value };
  return { type: "string", default: typeof value === "string" ? value : "" };
}

function freeParameter(graph: Graph, wanted: string): string {
  const taken = new Set(graph.parameters.map((parameter) => parameter.name));
  if (!taken.has(wanted)) return wanted;
  let number = 2;
  while (taken.has(`${wanted}_${number}`)) number += 1;
  return `${wanted}_${number}`;
}
