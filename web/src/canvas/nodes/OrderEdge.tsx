/** An edge: an arrow that says when, and moves while what it leads to is under way. */
import {
  BaseEdge,
  type ConnectionLineComponentProps,
  EdgeLabelRenderer,
  type EdgeProps,
  getBezierPath,
} from "@xyflow/react";
import clsx from "clsx";
import { memo } from "react";
import { useTranslation } from "react-i18next";
import { nodeStarted } from "@/live/run";
import { useEditor, useLook } from "../context";
import type { FlowEdge } from "../store/flow";

export const OrderEdge = memo(function OrderEdge(props: EdgeProps<FlowEdge>) {
  const { t } = useTranslation("canvas");
  const { id, data, selected } = props;
  const [path, x, y] = getBezierPath(props);
  const state = useLook(data?.target ?? "").state;
  const show = useEditor((editor) => editor.show);
  const when = data?.when ?? "success";
  return (
    <>
      <BaseEdge
        id={id}
        path={path}
        markerEnd={props.markerEnd ?? ""}
        interactionWidth={16}
        className={clsx(
          "edge",
          `edge-${when}`,
          selected && "edge-selected",
          nodeStarted(state) && "edge-moving",
        )}
      />
      {when === "success" && !selected ? null : (
        <EdgeLabelRenderer>
          <button
            type="button"
            tabIndex={-1}
            className={clsx(
              "nodrag nopan pointer-events-auto absolute rounded-full border bg-surface px-1.5 text-[11px] leading-4",
              when === "failure" ? "border-danger text-danger" : "border-line-strong text-ink-soft",
            )}
            style={{ transform: `translate(-50%,-50%) translate(${x}px,${y}px)` }}
            onClick={(event) => show({ menu: { screen: { x: event.clientX, y: event.clientY }, edge: id } })}
          >
            {t(`when.${when}`)}
          </button>
        </EdgeLabelRenderer>
      )}
    </>
  );
});

/** The edge while it is drawn: red where it can't go. */
export function DrawnEdge({
  fromX,
  fromY,
  toX,
  toY,
  fromPosition,
  toPosition,
  connectionStatus,
}: ConnectionLineComponentProps) {
  const [path] = getBezierPath({
    sourceX: fromX,
    sourceY: fromY,
    sourcePosition: fromPosition,
    targetX: toX,
    targetY: toY,
    targetPosition: toPosition,
  });
  return (
    <path
      d={path}
      fill="none"
      strokeWidth={2}
      strokeDasharray="6 4"
      className={connectionStatus === "invalid" ? "stroke-danger" : "stroke-accent"}
    />
  );
}
