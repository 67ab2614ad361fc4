/** A small picture of a graph. */
import { useMemo } from "react";
import type { Schema } from "@/api/client";

const NODE = { width: 208, height: 72 };
const APART = { x: 280, y: 120 };
const ROOM = 40;
/** Graphs are not drawn larger than this part of their size. */
const LEAST = { width: 720, height: 320 };

interface PictureProps {
  graph: Pick<Schema<"Graph">, "nodes" | "edges">;
  layout: Schema<"Layout">;
  className?: string;
}

export function Picture({ graph, layout, className }: PictureProps) {
  const { places, box } = useMemo(() => laidOut(graph, layout), [graph, layout]);
  return (
    <svg
      aria-hidden
      viewBox={`${box.x} ${box.y} ${box.width} ${box.height}`}
      preserveAspectRatio="xMidYMid meet"
      className={className}
    >
      {graph.edges.map(({ source, target }) => {
        const [from, to] = [places.get(source), places.get(target)];
        if (!from || !to) return null;
        const [x1, y1] = [from.x + NODE.width, from.y + NODE.height / 2];
        const [x2, y2] = [to.x, to.y + NODE.height / 2];
        const bend = Math.max(40, Math.abs(x2 - x1) / 2);
        return (
          <path
            key={`${source}>${target}`}
            d={`M${x1},${y1} C${x1 + bend},${y1} ${x2 - bend},${y2} ${x2},${y2}`}
            fill="none"
            strokeWidth={5}
            className="stroke-line-strong"
          />
        );
      })}
      {graph.nodes.map(({ name, kind }) => {
        const place = places.get(name);
        if (!place) return null;
        return (
          <g key={name} transform={`translate(${place.x},${place.y})`}>
            <rect {...NODE} rx={12} strokeWidth={4} className="fill-surface stroke-line-strong" />
            <rect
              x={14}
              y={20}
              width={32}
              height={32}
              rx={8}
              className={kind === "dataset" ? "fill-state-running" : "fill-accent"}
            />
            <rect
              x={60}
              y={30}
              width={Math.min(130, 20 + name.length * 9)}
              height={12}
              rx={6}
              className="fill-line-strong"
            />
          </g>
        );
      })}
    </svg>
  );
}

function laidOut(graph: PictureProps["graph"], layout: Schema<"Layout">) {
  const places = new Map(
    graph.nodes.map(({ name }, at) => [
      name,
      layout.positions?.[name] ?? { x: (at % 4) * APART.x, y: Math.floor(at / 4) * APART.y },
    ]),
  );
  const xs = [...places.values()].map((place) => place.x);
  const ys = [...places.values()].map((place) => place.y);
  const [left, top] = [Math.min(...xs), Math.min(...ys)];
  const size = {
    width: Math.max(...xs) - left + NODE.width + 2 * ROOM,
    height: Math.max(...ys) - top + NODE.height + 2 * ROOM,
  };
  const [width, height] = [Math.max(size.width, LEAST.width), Math.max(size.height, LEAST.height)];
  const box = {
    x: left - ROOM - (width - size.width) / 2,
    y: top - ROOM - (height - size.height) / 2,
    width,
    height,
  };
  return { places, box: graph.nodes.length ? box : { x: 0, y: 0, ...LEAST } };
}
