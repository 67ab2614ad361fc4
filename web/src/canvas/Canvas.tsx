/** The drawing itself. */
import "@xyflow/react/dist/base.css";
import "./canvas.css";
import {
  Background,
  BackgroundVariant,
  type Connection,
  ConnectionMode,
  type FinalConnectionState,
  MarkerType,
  MiniMap,
  ReactFlow,
  SelectionMode,
  useReactFlow,
  useStore,
} from "@xyflow/react";
import { type MouseEvent, useCallback, useMemo } from "react";
import { useTranslation } from "react-i18next";
import { toast } from "@/ui/toast";
import { ActionBar } from "./ActionBar";
import { Carried } from "./Carried";
import { useEditor, useEditorParts, useLooks } from "./context";
import { Distance } from "./Distance";
import { useDrops } from "./drops";
import { closesCycle } from "./model/graph";
import { JobNode } from "./nodes/JobNode";
import { DrawnEdge, OrderEdge } from "./nodes/OrderEdge";
import { Room } from "./Room";
import { type FlowEdge, type FlowNode, NODE_WIDTH } from "./store/flow";
import { toneOf } from "./tones";
import { ViewButtons } from "./ViewButtons";
import { FARTHEST, FIT } from "./view";

const NODE_TYPES = { job: JobNode };
const EDGE_TYPES = { order: OrderEdge };
const EDGE_DEFAULTS = {
  markerEnd: { type: MarkerType.ArrowClosed, width: 16, height: 16, color: "var(--line-strong)" },
};
const MIDDLE_BUTTON = [1];
const SEVERAL = ["Control", "Meta", "Shift"];
/** More than this many nodes are only drawn where they are seen. */
const MANY = 200;
/** Where the canvas is lower than this, the small picture would cover too much of it. */
const LOW = 560;

export function Canvas({ fit }: { fit: boolean }) {
  const { t } = useTranslation("canvas");
  const { store } = useEditorParts();
  const nodes = useEditor((state) => state.nodes);
  const edges = useEditor((state) => state.edges);
  const readOnly = useEditor((state) => state.readOnly);
  const held = useEditor((state) => state.held !== undefined);
  const { onNodes, onEdges, drop, show, change } = store.getState();
  const { screenToFlowPosition } = useReactFlow();
  const drops = useDrops();

  const legal = useCallback(
    ({ source, target }: Connection | FlowEdge) =>
      !closesCycle(store.getState().history.graph.edges, source, target),
    [store],
  );
  const connect = useCallback(
    ({ source, target }: Connection) => change({ type: "connect", source, target }),
    [change],
  );

  /** An edge that was let go: on a node it is tied to that, on nothing it asks what to add. */
  const ended = useCallback(
    (event: globalThis.MouseEvent | TouchEvent, state: FinalConnectionState) => {
      const from = state.fromNode?.id;
      if (!from || state.isValid) return;
      const side = state.fromHandle?.type === "target" ? "target" : "source";
      const point = "changedTouches" in event ? event.changedTouches[0] : event;
      if (!point) return;
      const screen = { x: point.clientX, y: point.clientY };
      const over = document.elementFromPoint(screen.x, screen.y)?.closest<HTMLElement>("[data-node]")
        ?.dataset["node"];
      const to = state.toNode?.id ?? over;
      if (to === undefined) {
        const at = screenToFlowPosition(screen);
        show({
          search: {
            screen,
            at: { x: side === "target" ? at.x - NODE_WIDTH : at.x, y: at.y - 30 },
            tie: { node: from, side },
          },
        });
        return;
      }
      const [source, target] = side === "source" ? [from, to] : [to, from];
      if (closesCycle(store.getState().history.graph.edges, source, target)) toast(t("cycle"));
      else change({ type: "connect", source, target });
    },
    [change, screenToFlowPosition, show, store, t],
  );

  // All of these stay the same from one drawing to the next, or else every node would be drawn again.
  const menu = useMemo(() => {
    const open = (event: MouseEvent | globalThis.MouseEvent, part: { node?: string; edge?: string }) => {
      event.preventDefault();
      show({ menu: { screen: { x: event.clientX, y: event.clientY }, ...part } });
    };
    return {
      node: (event: MouseEvent, node: FlowNode) => {
        if (!store.getState().selection.includes(node.id)) store.getState().select([node.id]);
        open(event, { node: node.id });
      },
      selection: (event: MouseEvent, [first]: FlowNode[]) => open(event, first ? { node: first.id } : {}),
      edge: (event: MouseEvent, edge: FlowEdge) => {
        if (store.getState().readOnly) event.preventDefault();
        else open(event, { edge: edge.id });
      },
      pane: (event: MouseEvent | globalThis.MouseEvent) => open(event, {}),
    };
  }, [show, store]);
  const search = useCallback(
    (event: MouseEvent) => {
      const free = (event.target as Element).classList.contains("react-flow__pane");
      const screen = { x: event.clientX, y: event.clientY };
      if (free && !store.getState().readOnly) show({ search: { screen, at: screenToFlowPosition(screen) } });
    },
    [screenToFlowPosition, show, store],
  );

  return (
    <ReactFlow<FlowNode, FlowEdge>
      nodes={nodes}
      edges={edges}
      onNodesChange={onNodes}
      onEdgesChange={onEdges}
      onNodeDragStop={drop}
      onSelectionDragStop={drop}
      onConnect={connect}
      onConnectEnd={ended}
      isValidConnection={legal}
      connectionLineComponent={DrawnEdge}
      connectionMode={ConnectionMode.Strict}
      connectionRadius={28}
      nodeTypes={NODE_TYPES}
      edgeTypes={EDGE_TYPES}
      defaultEdgeOptions={EDGE_DEFAULTS}
      onNodeContextMenu={menu.node}
      onSelectionContextMenu={menu.selection}
      onEdgeContextMenu={menu.edge}
      onPaneContextMenu={menu.pane}
      onDoubleClick={search}
      onDragOver={drops.over}
      onDragLeave={drops.leave}
      onDrop={drops.drop}
      nodesDraggable={!readOnly}
      nodesConnectable={!readOnly}
      nodesFocusable={false}
      edgesFocusable={false}
      disableKeyboardA11y
      deleteKeyCode={null}
      multiSelectionKeyCode={SEVERAL}
      selectionOnDrag
      selectionMode={SelectionMode.Partial}
      panOnDrag={MIDDLE_BUTTON}
      panOnScroll
      zoomOnDoubleClick={false}
      minZoom={FARTHEST}
      maxZoom={2.5}
      fitView={fit}
      fitViewOptions={FIT}
      attributionPosition="bottom-center"
      onlyRenderVisibleElements={nodes.length > MANY && !held}
      aria-label={t("canvas")}
      tabIndex={0}
      className="outline-none focus-visible:outline-2!"
    >
      <Background variant={BackgroundVariant.Dots} gap={20} size={1.2} />
      <Distance />
      <Carried />
      <Room />
      <Overview />
      <ViewButtons />
      {nodes.length ? <ActionBar /> : null}
    </ReactFlow>
  );
}

/** The small picture of everything, coloured by state. */
function Overview() {
  const { t } = useTranslation("canvas");
  const looks = useLooks();
  const small = useEditor((state) => state.nodes.length < 2);
  const low = useStore((state) => state.height < LOW);
  const colour = useMemo(() => (node: FlowNode) => toneOf(looks.get(node.data.node.name)?.state), [looks]);
  if (small || low) return null;
  return (
    <MiniMap<FlowNode>
      pannable
      zoomable
      nodeColor={colour}
      nodeBorderRadius={10}
      ariaLabel={t("minimap")}
      style={{ width: 160, height: 100 }}
    />
  );
}
