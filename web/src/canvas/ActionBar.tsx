/** Over the selected node: what its menu has, in sight. */
import { NodeToolbar, Position, useStore } from "@xyflow/react";
import { Ellipsis } from "lucide-react";
import { useLayoutEffect, useRef } from "react";
import { useTranslation } from "react-i18next";
import { IconButton } from "@/ui/Button";
import { type ActionId, nodeActions } from "./actions";
import { useEditor, useEditorParts, useLook } from "./context";
import { BARE, pane } from "./view";

const SHOWN: readonly ActionId[] = [
  "runFrom",
  "runTo",
  "runOnly",
  "runSelected",
  "stop",
  "skip",
  "unskip",
  "status",
  "stdout",
  "delete",
];

export function ActionBar() {
  const selection = useEditor((state) => state.selection);
  const moving = useEditor((state) => state.moving);
  const bare = useStore((state) => state.height < BARE);
  const last = selection.at(-1);
  if (last === undefined || moving || bare) return null;
  return (
    <NodeToolbar nodeId={[...selection]} isVisible position={Position.Top} offset={8}>
      <Actions id={last} />
    </NodeToolbar>
  );
}

function Actions({ id }: { id: string }) {
  const { t } = useTranslation(["canvas", "common"]);
  const editor = useEditorParts();
  const node = useEditor((state) => state.history.graph.nodes.find((one) => one.id === id));
  useLook(node?.name ?? ""); // what can be done follows how it stands
  const show = useEditor((state) => state.show);
  const bar = useInside();
  const actions = nodeActions(editor, id).filter((action) => SHOWN.includes(action.id) && !action.disabled);
  return (
    <div
      ref={bar}
      role="toolbar"
      aria-label={t("bar.label", { name: node?.name ?? "" })}
      className="flex rounded-lg border border-line bg-raised p-0.5 shadow-md"
    >
      {actions.map(({ id: action, icon: Icon, keys, danger, run }) => (
        <IconButton
          key={action}
          label={t(`action.${action}`)}
          shortcut={keys}
          className={`h-7! min-w-7! ${danger ? "hover:text-danger!" : ""}`}
          onClick={run}
        >
          <Icon aria-hidden className="size-4" />
        </IconButton>
      ))}
      <IconButton
        label={t("common:action.more")}
        className="h-7! min-w-7!"
        onClick={(event) => {
          const box = event.currentTarget.getBoundingClientRect();
          show({ menu: { screen: { x: box.right, y: box.top }, node: id } });
        }}
      >
        <Ellipsis aria-hidden className="size-4" />
      </IconButton>
    </div>
  );
}

/** Between it and the canvas's edge. */
const EDGE = 4;

/** Moves what is at the canvas's edge as far in as it takes to see all of it. */
function useInside() {
  const element = useRef<HTMLDivElement>(null);
  useStore((state) => `${state.transform} ${state.width}`); // where it stands follows these
  useLayoutEffect(() => {
    const outer = pane()?.getBoundingClientRect();
    if (!element.current || !outer) return;
    element.current.style.translate = "";
    const inner = element.current.getBoundingClientRect();
    const over = Math.min(0, outer.right - EDGE - inner.right);
    const by = Math.max(over, outer.left + EDGE - inner.left);
    const far = inner.right < outer.left || inner.left > outer.right;
    if (by && !far) element.current.style.translate = `${by}px 0`;
  });
  return element;
}
