/** A node on the canvas: what it is, how it stands, what is wrong with it. */
import { Handle, type NodeProps, Position } from "@xyflow/react";
import clsx from "clsx";
import { CircleAlert, Recycle, RotateCw } from "lucide-react";
import { type CSSProperties, memo } from "react";
import { useTranslation } from "react-i18next";
import { formatList } from "@/i18n/format";
import { JobProgress } from "@/live/JobProgress";
import { StateBadge } from "@/ui/StateBadge";
import type { Look } from "../board";
import { useEditor, useLook } from "../context";
import type { GraphNode } from "../model/graph";
import type { FlowNode } from "../store/flow";
import { toneOf } from "../tones";
import { Elapsed } from "./Elapsed";
import { KindIcon } from "./KindIcon";
import { NameField } from "./NameField";

/** Pale, and readable all the same. */
const PALE = "bg-page! text-ink-faint shadow-none [&_svg]:opacity-60";

const FRAMES: Partial<Record<Look["state"], string>> = {
  staging: "border-state-staging",
  running: "border-state-running ring-2 ring-state-running/25",
  failed: "border-state-failed",
  unreachable: "border-state-failed border-dashed",
  upstream_failed: "border-state-upstream",
  skipped: "border-line-strong border-dashed",
  left_out: "border-line-strong",
};

export const JobNode = memo(Box, same);

/** Where it stands is the canvas's affair: a node that is dragged is not drawn again. */
function same(before: NodeProps<FlowNode>, now: NodeProps<FlowNode>): boolean {
  return before.id === now.id && before.data === now.data && before.selected === now.selected;
}

function Box({ id, data, selected }: NodeProps<FlowNode>) {
  const { t } = useTranslation(["canvas", "common"]);
  const { node } = data;
  const look = useLook(node.name);
  const renaming = useEditor((state) => state.renaming === id);
  const readOnly = useEditor((state) => state.readOnly);
  const show = useEditor((state) => state.show);
  return (
    <article
      tabIndex={-1}
      data-node={id}
      style={{ "--tone": toneOf(look.state) } as CSSProperties}
      aria-label={t("node.label", { name: node.name, state: t(`common:state.${look.state}`) })}
      className={clsx(
        "w-52 rounded-lg border bg-surface shadow-sm outline-none",
        selected ? "border-accent! ring-2 ring-accent/40" : (FRAMES[look.state] ?? "border-line-strong"),
        selected && look.state === "skipped" && "border-dashed",
        (look.state === "skipped" || look.state === "left_out") && PALE,
      )}
    >
      <Handle
        type="target"
        position={Position.Left}
        isConnectable={!readOnly}
        role="img"
        aria-label={t("node.in")}
      />
      <div className="flex items-center gap-2 p-2 pb-1.5">
        <KindIcon kind={node.kind} />
        <div className="min-w-0 flex-1">
          {renaming ? (
            <NameField id={id} name={node.name} />
          ) : (
            // biome-ignore lint/a11y/noStaticElementInteractions: F2 does the same
            <div
              className="truncate font-medium leading-5"
              title={node.name}
              onDoubleClick={(event) => {
                event.stopPropagation();
                if (!readOnly) show({ renaming: id });
              }}
            >
              {node.name}
            </div>
          )}
          <div className="truncate text-ink-faint text-xs leading-4">
            {subtitle(node) || t(`kind.${node.kind}`)}
          </div>
        </div>
        <Marks node={node} look={look} />
      </div>
      <div className="flex items-center gap-2 border-line border-t px-2 py-1 text-xs">
        <StateBadge state={look.state} className="min-w-0 [&>svg]:size-3.5" />
        <span className="ml-auto flex items-center gap-1.5 text-ink-soft">
          {look.job && look.state === "running" ? <JobProgress jobId={look.job} running short /> : null}
          {look.attempts > 1 ? (
            <span
              className="inline-flex items-center gap-0.5"
              title={t("node.attempts", { count: look.attempts })}
            >
              <RotateCw aria-hidden className="size-3" />
              {look.attempts}
            </span>
          ) : null}
          {look.position ? (
            <span className="tabular-nums" title={look.sentence}>
              {t("node.position", { position: look.position })}
            </span>
          ) : null}
          {look.startedAt ? <Elapsed from={look.startedAt} to={look.finishedAt} /> : null}
        </span>
      </div>
      <Reason look={look} />
      <Handle
        type="source"
        position={Position.Right}
        isConnectable={!readOnly}
        role="img"
        aria-label={t("node.out")}
      />
    </article>
  );
}

/** The script's name, or the first of the paths. */
export function subtitle(node: GraphNode): string {
  const { script, paths, files } = node.settings;
  if (node.kind === "pytorch") return nameOf(script);
  const first = typeof paths === "string" ? paths.split(",")[0]?.trim() : "";
  return first || (Array.isArray(files) ? nameOf(files[0]) : "");
}

function nameOf(file: unknown): string {
  return typeof file === "object" && file !== null && "name" in file ? String(file.name) : "";
}

function Marks({ node, look }: { node: GraphNode; look: Look }) {
  const { t } = useTranslation(["canvas", "common"]);
  return (
    <span className="flex shrink-0 items-center gap-1 self-start">
      {node.reuse.mode === "on" ? (
        <span role="img" aria-label={t("node.reuses")} title={t("node.reuses")}>
          <Recycle aria-hidden className="size-3.5 text-state-reused" />
        </span>
      ) : null}
      {look.problems.length ? (
        <span
          role="img"
          aria-label={t("node.problems", { count: look.problems.length })}
          title={look.problems.map((problem) => problem.message).join("\n")}
        >
          <CircleAlert aria-hidden className="size-4 text-danger" />
        </span>
      ) : null}
    </span>
  );
}

const TELLS = new Set<Look["state"]>(["failed", "upstream_failed", "unreachable"]);

function Reason({ look }: { look: Look }) {
  const { t } = useTranslation(["canvas", "common"]);
  const [text, colour] =
    look.state === "stale" && look.staleBecause.length
      ? [t("node.staleBecause", { what: formatList(look.staleBecause) }), "text-state-stale"]
      : TELLS.has(look.state) && look.sentence
        ? [look.sentence, look.state === "upstream_failed" ? "text-state-upstream" : "text-danger"]
        : ["", ""];
  if (!text) return null;
  return (
    <div className={clsx("px-2 pb-1.5 text-xs leading-4", colour)} title={text}>
      <p className="line-clamp-2">{text}</p>
    </div>
  );
}
