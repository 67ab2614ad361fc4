/** The editor's keys, and what they do. */
import { duplicate } from "./actions";
import { neighbour } from "./adding";
import type { Editor } from "./context";
import { tidied } from "./model/tidy";
import { focusNode, nodeBox, type View } from "./view";

export interface Scene extends Editor {
  view: View;
}

export interface Key {
  /** As in `KeyboardEvent.key`, in lower case, with `ctrl+`, `alt+`, `shift+` in front. */
  keys: readonly string[];
  /** Also while one types into a field. */
  everywhere?: boolean;
  /** Also where nothing can be changed. */
  reading?: boolean;
  /** The browser does its own too if this says true. */
  run: (scene: Scene) => unknown;
}

const chosen = ({ store }: Scene) => store.getState().selection;

function walk(key: "ArrowLeft" | "ArrowRight" | "ArrowUp" | "ArrowDown"): Key {
  return {
    keys: [key.toLowerCase()],
    reading: true,
    run: (scene) => {
      const { history, select } = scene.store.getState();
      const next = neighbour(history.graph, chosen(scene).at(-1), key);
      if (next === undefined) return;
      select([next]);
      if (!scene.view.sees(next)) scene.view.show([next]);
      focusNode(next);
    },
  };
}

export function remove({ store }: Scene): void {
  const { nodes, edges, change } = store.getState();
  const ids = (all: readonly { id: string; selected?: boolean }[]) =>
    all.filter((one) => one.selected).map((one) => one.id);
  const gone = { nodes: ids(nodes), edges: ids(edges) };
  if (gone.nodes.length || gone.edges.length) change({ type: "remove", ...gone });
}

const KEYS: readonly Key[] = [
  { keys: ["ctrl+enter"], everywhere: true, run: ({ host }) => host.run({ kind: "all", nodes: [] }) },
  { keys: ["ctrl+alt+enter"], everywhere: true, reading: true, run: ({ host }) => host.stop() },
  { keys: ["ctrl+s"], everywhere: true, run: ({ host }) => void host.save() },
  {
    keys: ["ctrl+k"],
    everywhere: true,
    reading: true,
    run: ({ store }) => store.getState().show({ dialog: "palette" }),
  },
  {
    keys: ["ctrl+`"],
    everywhere: true,
    reading: true,
    run: ({ store }) => {
      const { dock, openDock, selection } = store.getState();
      openDock({ open: !dock.open, node: selection.at(-1) ?? dock.node });
    },
  },
  { keys: ["f6"], everywhere: true, reading: true, run: () => nextRegion(1) },
  { keys: ["shift+f6"], everywhere: true, reading: true, run: () => nextRegion(-1) },
  {
    keys: ["tab"],
    run: ({ store, view }) => {
      if (!document.activeElement?.closest(".react-flow")) return true;
      store.getState().show({ search: { screen: view.middle().screen, at: view.middle().at } });
      return false;
    },
  },
  { keys: ["ctrl+z"], run: ({ store }) => store.getState().undo() },
  { keys: ["ctrl+shift+z", "ctrl+y"], run: ({ store }) => store.getState().redo() },
  {
    keys: ["ctrl+a"],
    reading: true,
    run: ({ store }) => store.getState().select(store.getState().nodes.map((node) => node.id)),
  },
  {
    keys: ["ctrl+d"],
    run: (scene) => {
      if (chosen(scene).length) duplicate(scene, chosen(scene));
    },
  },
  { keys: ["delete", "backspace"], run: remove },
  { keys: ["f2"], run: (scene) => scene.store.getState().show({ renaming: chosen(scene).at(-1) }) },
  {
    keys: ["d"],
    run: (scene) => {
      const { history, change } = scene.store.getState();
      const some = history.graph.nodes.filter((node) => chosen(scene).includes(node.id));
      change({ type: "skip", nodes: some.map((node) => node.id), skip: some.some((node) => !node.skip) });
    },
  },
  {
    keys: ["shift+l"],
    run: ({ store, view }) => {
      const { change, history } = store.getState();
      change({ type: "move", positions: tidied(history.graph) });
      requestAnimationFrame(view.fit);
    },
  },
  { keys: ["1"], reading: true, run: ({ view }) => view.fit() },
  { keys: ["0"], reading: true, run: ({ view }) => view.natural() },
  { keys: ["+", "=", "shift++"], reading: true, run: ({ view }) => view.closer() },
  { keys: ["-"], reading: true, run: ({ view }) => view.farther() },
  {
    keys: ["."],
    reading: true,
    run: (scene) => (chosen(scene).length ? scene.view.fitTo(chosen(scene)) : scene.view.fit()),
  },
  walk("ArrowLeft"),
  walk("ArrowRight"),
  walk("ArrowUp"),
  walk("ArrowDown"),
  {
    keys: ["enter"],
    reading: true,
    run: (scene) => {
      if (!document.activeElement?.closest(".react-flow") || !chosen(scene).length) return true;
      scene.store.getState().show({ panelOpen: true });
      requestAnimationFrame(() => focusIn(document.querySelector("[data-panel]")));
      return false;
    },
  },
  {
    keys: ["contextmenu", "shift+f10"],
    reading: true,
    run: (scene) => {
      const id = chosen(scene).at(-1);
      const box = id && nodeBox(id)?.getBoundingClientRect();
      if (!box) return true;
      scene.store.getState().show({ menu: { screen: { x: box.left + 40, y: box.top + 40 }, node: id } });
      return false;
    },
  },
  { keys: ["escape"], reading: true, run: ({ store }) => store.getState().select([]) },
  {
    keys: ["?", "shift+?"],
    reading: true,
    run: ({ store }) => store.getState().show({ dialog: "shortcuts" }),
  },
];

export const BY_KEY = new Map(KEYS.flatMap((key) => key.keys.map((name) => [name, key] as const)));

function focusIn(region: Element | null | undefined): void {
  const inside = region?.querySelector<HTMLElement>(
    "input:not([type=hidden]), textarea, select, button:not(:disabled), [tabindex='0']:not([role=separator])",
  );
  (region?.matches(".react-flow") ? (region as HTMLElement) : inside)?.focus();
}

/** Toolbar, tree, canvas, panel and dock, in turn. */
function nextRegion(step: number): void {
  const regions = [...document.querySelectorAll("[data-region]")];
  const here = regions.findIndex((region) => region.contains(document.activeElement));
  focusIn(regions[(here + step + regions.length) % regions.length]);
}
