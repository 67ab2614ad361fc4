/** How charts look, and what was chosen to be seen; kept in the browser. */
import { useSyncExternalStore } from "react";
import { create } from "zustand";

/** Distinct for people who see fewer colours, too; each has a contrast of 3 to its surface. */
const COLOURS = {
  light: ["#1d63d8", "#c2410c", "#15803d", "#7c3aed", "#b4234f", "#0f766e", "#8a5a00", "#475569"],
  dark: ["#6aa6ff", "#fb923c", "#4cc97b", "#b79bff", "#f48fb1", "#4fd1c5", "#f0c35a", "#a8b5c6"],
} as const;
/** Beyond the colours, lines are broken in different ways. */
const DASHES = [[], [6, 3], [2, 3], [8, 3, 2, 3]] as const;

export function colour(number: number, dark: boolean): string {
  const colours = COLOURS[dark ? "dark" : "light"];
  return colours[number % colours.length] ?? colours[0];
}

export function dash(number: number): number[] {
  return [...(DASHES[Math.floor(number / COLOURS.light.length) % DASHES.length] ?? [])];
}

const root = document.documentElement;

function watch(changed: () => void): () => void {
  const observer = new MutationObserver(changed);
  observer.observe(root, { attributeFilter: ["data-theme"] });
  return () => observer.disconnect();
}

export function useDark(): boolean {
  return useSyncExternalStore(watch, () => root.dataset["theme"] === "dark");
}

export type Across = "step" | "time";

interface View {
  across: Across;
  log: boolean;
  hidden: readonly string[];
}

interface ViewStore extends View {
  show: (view: Partial<View>) => void;
  toggle: (name: string) => void;
}

const KEY = "torchyard.charts";
/** Names that are remembered as hidden. */
const MOST = 200;

function kept(): View {
  const plain: View = { across: "step", log: false, hidden: [] };
  try {
    const found = JSON.parse(localStorage.getItem(KEY) ?? "{}") as Partial<Record<keyof View, unknown>>;
    return {
      across: found.across === "time" ? "time" : "step",
      log: found.log === true,
      hidden: Array.isArray(found.hidden) ? found.hidden.filter((name) => typeof name === "string") : [],
    };
  } catch {
    return plain;
  }
}

export const useView = create<ViewStore>((set, get) => {
  const show = (view: Partial<View>) => {
    set(view);
    const { across, log, hidden } = get();
    localStorage.setItem(KEY, JSON.stringify({ across, log, hidden }));
  };
  return {
    ...kept(),
    show,
    toggle: (name) => {
      const { hidden } = get();
      const others = hidden.filter((one) => one !== name);
      show({ hidden: others.length < hidden.length ? others : [...hidden, name].slice(-MOST) });
    },
  };
});
