import clsx from "clsx";
import { Database, Flame } from "lucide-react";
import type { Kind } from "../model/graph";

const ICONS = { pytorch: Flame, dataset: Database };
const COLOURS = {
  pytorch: "bg-accent-soft text-accent",
  dataset: "bg-sunken text-state-running",
};

export function KindIcon({ kind, className }: { kind: Kind; className?: string }) {
  const Icon = ICONS[kind];
  return (
    <span className={clsx("grid size-7 shrink-0 place-items-center rounded-md", COLOURS[kind], className)}>
      <Icon aria-hidden className="size-4" />
    </span>
  );
}
