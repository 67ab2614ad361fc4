import { useTranslation } from "react-i18next";
import { Dialog } from "@/ui/Dialog";

const GROUPS = {
  run: [
    ["run", "Ctrl+Enter"],
    ["stop", "Ctrl+Alt+Enter"],
    ["save", "Ctrl+S"],
  ],
  edit: [
    ["add", "Tab"],
    ["undo", "Ctrl+Z"],
    ["redo", "Ctrl+Shift+Z, Ctrl+Y"],
    ["copy", "Ctrl+C, Ctrl+X, Ctrl+V"],
    ["pasteTied", "Ctrl+Shift+V"],
    ["duplicate", "Ctrl+D"],
    ["delete", "Delete"],
    ["rename", "F2"],
    ["skip", "D"],
    ["tidy", "Shift+L"],
  ],
  view: [
    ["all", "Ctrl+A"],
    ["walk", "← → ↑ ↓"],
    ["panel", "Enter"],
    ["menu", "Shift+F10"],
    ["fit", "1"],
    ["natural", "0"],
    ["zoom", "+, −, Ctrl+⟳"],
    ["fitSelection", "."],
    ["pan", "Space"],
    ["dock", "Ctrl+`"],
    ["region", "F6, Shift+F6"],
    ["palette", "Ctrl+K"],
    ["shortcuts", "?"],
  ],
} as const;

export function Shortcuts({ onClose }: { onClose: () => void }) {
  const { t } = useTranslation("canvas");
  return (
    <Dialog open wide onClose={onClose} title={t("shortcuts.title")}>
      <div className="grid gap-8 sm:grid-cols-2 lg:grid-cols-3">
        {(Object.keys(GROUPS) as (keyof typeof GROUPS)[]).map((group) => (
          <section key={group}>
            <h3 className="mb-2 font-semibold">{t(`shortcuts.${group}`)}</h3>
            <dl className="space-y-1.5">
              {GROUPS[group].map(([name, keys]) => (
                <div key={name} className="flex justify-between gap-3">
                  <dt className="text-ink-soft">{t(`shortcuts.of.${name}`)}</dt>
                  <dd className="text-right">
                    {keys.split(", ").map((one) => (
                      <kbd
                        key={one}
                        className="ml-1 whitespace-nowrap rounded border border-line-strong bg-sunken px-1.5 font-sans text-xs"
                      >
                        {one}
                      </kbd>
                    ))}
                  </dd>
                </div>
              ))}
            </dl>
          </section>
        ))}
      </div>
    </Dialog>
  );
}
