/** Light, dark, or as the system: kept in the browser, told to CSS by `data-theme`. */
import { create } from "zustand";

export const THEMES = ["light", "dark", "system"] as const;
export type Theme = (typeof THEMES)[number];

const KEY = "torchyard.theme";
const system = matchMedia("(prefers-color-scheme: dark)");

function kept(): Theme {
  const found = THEMES.find((theme) => theme === localStorage.getItem(KEY));
  return found ?? "system";
}

function apply(theme: Theme): void {
  const dark = theme === "dark" || (theme === "system" && system.matches);
  document.documentElement.dataset["theme"] = dark ? "dark" : "light";
}

interface ThemeStore {
  theme: Theme;
  choose: (theme: Theme) => void;
}

export const useTheme = create<ThemeStore>((set) => ({
  theme: kept(),
  choose: (theme) => {
    localStorage.setItem(KEY, theme);
    apply(theme);
    set({ theme });
  },
}));

apply(kept());
system.addEventListener("change", () => apply(useTheme.getState().theme));
