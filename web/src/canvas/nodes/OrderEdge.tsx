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
import { useEditor, useEditorParts, useLook } from "../context";
import type { FlowEdge } from "../store/flow";
import { bent } from "../store/held";

export const OrderEdge = memo(function OrderEdge(props: EdgeProps<FlowEdge>) {
  const { t } = useTranslation("canvas");
  const { id, data, selected } = props;
  const [path, x, y] = getBezierPath(useEnds(props));
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
            data-edge={id}
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

/** Where it begins and ends; of two nodes, one may be held and the other not. */
function useEnds(props: EdgeProps<FlowEdge>): EdgeProps<FlowEdge> {
  const { store } = useEditorParts();
  const { source, target } = props;
  const by = useEditor((state) => bent(state.held, source, target));
  if (!by) return props;
  const atSource = store.getState().held?.apart.has(source);
  return atSource
    ? { ...props, sourceX: props.sourceX + by.x, sourceY: props.sourceY + by.y }
    : { ...props, targetX: props.targetX + by.x, targetY: props.targetY + by.y };
}

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
