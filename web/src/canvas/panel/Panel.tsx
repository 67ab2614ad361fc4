/** Right of the canvas: the selected node's settings. */
import { PanelRightClose, SkipForward } from "lucide-react";
import { type PointerEvent, type ReactNode, useEffect, useMemo, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { IconButton } from "@/ui/Button";
import { Tabs } from "@/ui/Tabs";
import type { Problem } from "../board";
import { useEditor, useEditorParts, useLook } from "../context";
import type { GraphNode, Json, Settings } from "../model/graph";
import { KindIcon } from "../nodes/KindIcon";
import { DatasetPanel, withFile } from "./DatasetPanel";
import { FieldMenu } from "./FieldMenu";
import { Lands } from "./Lands";
import { NodeName } from "./NodeName";
import { NodeSettings } from "./NodeSettings";
import { WorkflowPanel } from "./WorkflowPanel";

/** What draws the fields of a PyTorch node. */
export interface FieldsProps {
  group: "program" | "resources";
  node: string;
  value: Settings;
  onChange: (path: readonly string[], value: Json | undefined) => void;
  /** By field, below the settings: `arguments`, `resources.gpus`. */
  problems: Readonly<Record<string, string>>;
  /** Beside a field, by its path. */
  aside: (path: string, label: string) => ReactNode;
  /** Under which name drafts of texts are kept in this browser. */
  keepAs: string;
  readOnly: boolean;
}
export type RenderFields = (props: FieldsProps) => ReactNode;

const KEY = "torchyard.panel";
const [LEAST, MOST, USUAL] = [280, 640, 352];

export function Panel({ renderFields, keepAs }: { renderFields: RenderFields; keepAs: string }) {
  const { t } = useTranslation("canvas");
  const selection = useEditor((state) => state.selection);
  const chosen = selection.at(-1);
  const several = selection.length > 1;
  const node = useEditor((state) =>
    several ? undefined : state.history.graph.nodes.find((one) => one.id === chosen),
  );
  const show = useEditor((state) => state.show);
  const [width, setWidth] = useState(() => Number(localStorage.getItem(KEY)) || USUAL);
  return (
    <aside
      aria-label={t("panel.title")}
      className="relative flex shrink-0 flex-col border-line border-l bg-surface"
      style={{ width }}
      data-region
      data-panel
    >
      <Grip
        width={width}
        onResize={(wanted) => {
          const next = Math.min(MOST, Math.max(LEAST, wanted));
          localStorage.setItem(KEY, String(next));
          setWidth(next);
        }}
      />
      <header className="flex items-center gap-2 border-line border-b px-3 py-2">
        {node ? (
          <>
            <KindIcon kind={node.kind} />
            <NodeName key={node.id} node={node} />
            {node.skip ? <SkipForward aria-hidden className="size-4 text-ink-faint" /> : null}
          </>
        ) : (
          <h2 className="flex-1 px-0.5 font-semibold">
            {several ? t("panel.several", { count: selection.length }) : t("panel.workflow")}
          </h2>
        )}
        <IconButton
          label={t("panel.hide")}
          className="h-7! min-w-7!"
          onClick={() => show({ panelOpen: false })}
        >
          <PanelRightClose aria-hidden className="size-4" />
        </IconButton>
      </header>
      {node ? (
        <OfNode key={node.id} node={node} renderFields={renderFields} keepAs={keepAs} />
      ) : several ? (
        <p className="p-3 text-ink-soft">{t("panel.severalHint")}</p>
      ) : (
        <WorkflowPanel />
      )}
    </aside>
  );
}

type PanelTab = "program" | "resources" | "data" | "node" | "lands";

const OF_KIND: Record<GraphNode["kind"], readonly PanelTab[]> = {
  pytorch: ["program", "resources", "node", "lands"],
  dataset: ["data", "node"],
};

function OfNode({
  node,
  renderFields,
  keepAs,
}: {
  node: GraphNode;
  renderFields: RenderFields;
  keepAs: string;
}) {
  const { t } = useTranslation("canvas");
  const { store } = useEditorParts();
  const [tab, setTab] = useState<PanelTab>(node.kind === "pytorch" ? "program" : "data");
  const readOnly = useEditor((state) => state.readOnly);
  const fields = useLedTo(node.kind, setTab);
  const { problems } = useLook(node.name);
  const byField = useMemo(() => fieldsOf(problems), [problems]);
  const set = (path: readonly string[], value: Json | undefined) =>
    store.getState().change({ type: "set", node: node.id, path, value });
  const aside = (path: string, label: string) => <FieldMenu node={node.name} path={path} label={label} />;
  const tabs = OF_KIND[node.kind].map((id) => ({ id, label: t(`panel.${id}`) }));
  return (
    <Tabs tabs={tabs} value={tab} onChange={setTab} label={t("panel.tabs", { name: node.name })}>
      {/* biome-ignore lint/a11y/noStaticElementInteractions: typing ends where a field is left */}
      <div ref={fields} className="min-h-0 flex-1 overflow-auto p-3" onBlur={() => store.getState().close()}>
        {tab === "node" ? (
          <NodeSettings node={node} />
        ) : tab === "lands" ? (
          <Lands node={node} />
        ) : tab === "data" ? (
          <DatasetPanel
            name={node.name}
            settings={node.settings}
            problems={byField}
            aside={aside}
            onChange={set}
            onFile={(ref) => {
              const now = store.getState().history.graph.nodes.find((one) => one.id === node.id);
              if (now) set(["files"], withFile(now.settings, ref));
            }}
            readOnly={readOnly}
          />
        ) : (
          renderFields({
            group: tab,
            node: node.name,
            value: node.settings,
            onChange: set,
            problems: byField,
            aside,
            keepAs: `${keepAs}.${node.name}`,
            readOnly,
          })
        )}
      </div>
    </Tabs>
  );
}

/** What stands on the tab of resources; all else that a script has is on that of the program. */
const RESOURCES = new Set(["resources", "runtime", "retries", "grace_seconds", "warm"]);
const NODE = new Set(["skip", "reuse", "name"]);

export function tabOf(kind: GraphNode["kind"], field: string): PanelTab {
  const [first = ""] = field.replace(/^settings\./, "").split(".");
  if (NODE.has(first)) return "node";
  if (kind === "dataset") return "data";
  return RESOURCES.has(first) ? "resources" : "program";
}

const FRAMES = 60;

/** Opens the tab of the field that somebody is led to, and goes to what is wrong there. */
function useLedTo(kind: GraphNode["kind"], open: (tab: PanelTab) => void) {
  const fields = useRef<HTMLDivElement>(null);
  const field = useEditor((state) => state.field);
  const show = useEditor((state) => state.show);
  useEffect(() => {
    if (field === undefined) return;
    open(tabOf(kind, field));
    show({ field: undefined });
    const go = (frames: number) => {
      const find = (part: string) => fields.current?.querySelector<HTMLElement>(part);
      const wrong = find("[aria-invalid=true]") ?? find("[data-wrong] button");
      wrong?.focus();
      wrong?.scrollIntoView({ block: "nearest" });
      if (!wrong && frames) requestAnimationFrame(() => go(frames - 1));
    };
    // Once the tab is drawn, which may have to be loaded.
    requestAnimationFrame(() => go(FRAMES));
  }, [field, kind, open, show]);
  return fields;
}

/** Sentences by field, without the `settings.` that all of them begin with. */
function fieldsOf(problems: readonly Problem[]): Record<string, string> {
  const found: Record<string, string> = {};
  for (const { field, message } of problems) {
    const name = (field ?? "").replace(/^settings\./, "");
    found[name] = found[name] ? `${found[name]} ${message}` : message;
  }
  return found;
}

function Grip({ width, onResize }: { width: number; onResize: (width: number) => void }) {
  const { t } = useTranslation("canvas");
  function start(event: PointerEvent<HTMLElement>): void {
    const grip = event.currentTarget;
    const from = { x: event.clientX, width };
    grip.setPointerCapture(event.pointerId);
    grip.onpointermove = (move) => onResize(from.width + from.x - move.clientX);
    grip.onpointerup = () => {
      grip.onpointermove = null;
    };
  }
  return (
    // biome-ignore lint/a11y/useSemanticElements: a separator that moves is no `hr`
    <div
      role="separator"
      aria-orientation="vertical"
      aria-label={t("panel.resize")}
      aria-valuenow={width}
      aria-valuemin={LEAST}
      aria-valuemax={MOST}
      tabIndex={0}
      className="absolute inset-y-0 -left-1 z-10 w-2 cursor-col-resize hover:bg-accent/30"
      onPointerDown={start}
      onKeyDown={(event) => {
        if (event.key === "ArrowLeft") onResize(width + 24);
        if (event.key === "ArrowRight") onResize(width - 24);
      }}
    />
  );
}
