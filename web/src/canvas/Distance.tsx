/** Tells the style sheet what would cost too much to find out in each node: how far away all is, and what moves. */
import { useStore } from "@xyflow/react";
import { useEffect } from "react";
import { useEditor } from "./context";

/** Below this scale nobody can read what stands in a node. */
const FAR = 0.4;

export function Distance() {
  const far = useStore((state) => state.transform[2] < FAR);
  const moving = useEditor((state) => state.moving);
  const pane = useStore((state) => state.domNode);
  useEffect(() => {
    pane?.toggleAttribute("data-far", far);
    pane?.toggleAttribute("data-moving", moving);
  }, [pane, far, moving]);
  return null;
}
