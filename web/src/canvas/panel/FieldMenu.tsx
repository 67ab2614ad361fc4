/** Beside a field: makes a parameter of the workflow of it, or puts a known one in. */
import { Variable } from "lucide-react";
import { useRef } from "react";
import { useTranslation } from "react-i18next";
import { IconButton } from "@/ui/Button";
import { Menu, MenuItem, MenuLabel, MenuSeparator } from "@/ui/Menu";
import { useEditor, useEditorParts } from "../context";
import { changed } from "../model/changes";
import type { Graph, Json, Parameter } from "../model/graph";
import {
  freeParameter,
  isParted,
  optionBefore,
  type Span,
  typed,
  typedText,
  withReference,
} from "../model/parameters";

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

interface FieldMenuProps {
  node: string;
  path: string;
  /** What people read beside the field. */
  label: string;
}

export function FieldMenu({ node, path, label }: FieldMenuProps) {
  const { t } = useTranslation("canvas");
  const { store } = useEditorParts();
  const graph = useEditor((state) => state.history.graph);
  const readOnly = useEditor((state) => state.readOnly);
  const place = useRef<HTMLSpanElement>(null);
  const found = graph.nodes.find((one) => one.name === node);
  if (readOnly || !found || FIXED.has(path)) return null;
  const steps = path.split(".");
  const value = valueAt(found.settings as Json, steps) ?? STANDARDS[path];
  const text = typeof value === "string" ? value : "";

  /** What is selected in the field; nothing if that is all of it. */
  function selection(): Span | undefined {
    const field = place.current
      ?.closest("[data-field]")
      ?.querySelector<HTMLInputElement | HTMLTextAreaElement>("textarea, input");
    const [start, end] = [field?.selectionStart ?? 0, field?.selectionEnd ?? 0];
    return isParted(steps) && start < end && end - start < text.length ? { start, end } : undefined;
  }

  /** The parameter and the field change in one step. */
  function use(parameters: readonly Parameter[], put: string): void {
    const { history, change } = store.getState();
    const before: Graph = { ...history.graph, parameters };
    change({
      type: "replace",
      graph: changed(before, { type: "set", node: found?.id ?? "", path: steps, value: put }),
    });
  }

  function make(): void {
    const part = selection();
    const standing = part ? typedText(text.slice(part.start, part.end)) : typed(value);
    const wanted = part && optionBefore(text, part.start);
    const name = freeParameter(graph, wanted ?? steps.at(-1)?.toLowerCase() ?? "value");
    const all = part ?? { start: 0, end: text.length };
    use([...graph.parameters, { name, ...standing }], withReference(steps, text, name, all));
  }

  return (
    <span ref={place} className="inline-flex">
      <Menu
        trigger={
          <IconButton label={t("field.menu", { field: label })} className="h-6! min-w-6! px-1!">
            <Variable aria-hidden className="size-3.5" />
          </IconButton>
        }
      >
        <MenuItem onSelect={make}>{t("field.make")}</MenuItem>
        {isParted(steps) ? (
          <p className="max-w-60 px-2 pb-1 text-ink-faint text-xs">{t("field.part")}</p>
        ) : null}
        {graph.parameters.length ? (
          <>
            <MenuSeparator />
            <MenuLabel>{t("field.use")}</MenuLabel>
            {graph.parameters.map(({ name }) => (
              <MenuItem
                key={name}
                onSelect={() => use(graph.parameters, withReference(steps, text, name, selection()))}
              >
                <code className="font-mono text-xs">{name}</code>
              </MenuItem>
            ))}
          </>
        ) : null}
      </Menu>
    </span>
  );
}

function valueAt(value: Json, [key, ...rest]: readonly string[]): Json | undefined {
  if (key === undefined) return value;
  if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
  const inner = value[key];
  return inner === undefined ? undefined : valueAt(inner, rest);
}
