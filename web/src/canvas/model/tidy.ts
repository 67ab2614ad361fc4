/** Lays a graph out from left to right: layers by longest path, in each the order that crosses least.
 *
 * Sugiyama, Tagawa, Toda, Methods for visual understanding of hierarchical system structures, 1981; the order
 * within layers by barycentres, a few sweeps down and up.
 */
import type { Graph, Point } from "./graph";

const STEP = { x: 280, y: 110 };
const SWEEPS = 4;

/** Positions by node id. */
export function tidied(graph: Graph): Record<string, Point> {
  const layers = layersOf(graph);
  const above = neighbours(graph, "target", "source");
  const below = neighbours(graph, "source", "target");
  for (let sweep = 0; sweep < SWEEPS; sweep += 1) {
    for (let at = 1; at < layers.length; at += 1) sortByBarycentre(layers, at, at - 1, above);
    for (let at = layers.length - 2; at >= 0; at -= 1) sortByBarycentre(layers, at, at + 1, below);
  }
  const tallest = Math.max(...layers.map((layer) => layer.length), 1);
  return Object.fromEntries(
    layers.flatMap((layer, column) =>
      layer.map((id, row) => [
        id,
        { x: column * STEP.x, y: Math.round((row + (tallest - layer.length) / 2) * STEP.y) },
      ]),
    ),
  );
}

function layersOf(graph: Graph): string[][] {
  const above = neighbours(graph, "target", "source");
  const depth = new Map<string, number>();
  const left = new Set(graph.nodes.map((node) => node.id));
  while (left.size) {
    const before = left.size;
    for (const id of [...left]) {
      const sources = above.get(id) ?? [];
      if (sources.some((source) => left.has(source))) continue;
      depth.set(id, Math.max(-1, ...sources.map((source) => depth.get(source) ?? -1)) + 1);
      left.delete(id);
    }
    if (left.size === before) break; // a circle, which a loaded draft may hold: its nodes go in front
  }
  const layers: string[][] = [];
  for (const node of graph.nodes) {
    const at = depth.get(node.id) ?? 0;
    while (layers.length <= at) layers.push([]);
    layers[at]?.push(node.id);
  }
  return layers;
}

function neighbours(graph: Graph, from: "source" | "target", to: "source" | "target"): Map<string, string[]> {
  const found = new Map<string, string[]>();
  for (const edge of graph.edges) {
    const known = found.get(edge[from]);
    if (known) known.push(edge[to]);
    else found.set(edge[from], [edge[to]]);
  }
  return found;
}

function sortByBarycentre(layers: string[][], at: number, fixed: number, near: Map<string, string[]>): void {
  const place = new Map((layers[fixed] ?? []).map((id, index) => [id, index]));
  const layer = layers[at];
  if (!layer) return;
  const centres = new Map(
    layer.map((id, index) => {
      const places = (near.get(id) ?? []).flatMap((other) => place.get(other) ?? []);
      return [id, places.length ? places.reduce((sum, one) => sum + one, 0) / places.length : index];
    }),
  );
  layers[at] = [...layer].sort((one, two) => (centres.get(one) ?? 0) - (centres.get(two) ?? 0));
}
