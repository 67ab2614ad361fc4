/** A remark under a field: what will happen, or what would fail later. */
import clsx from "clsx";
import { CircleCheck, Info, TriangleAlert } from "lucide-react";
import type { ReactNode } from "react";

const KINDS = {
  info: { icon: Info, colour: "text-ink-faint" },
  good: { icon: CircleCheck, colour: "text-state-succeeded" },
  warning: { icon: TriangleAlert, colour: "text-warning" },
  danger: { icon: TriangleAlert, colour: "text-danger" },
};

export function Note({ kind = "info", children }: { kind?: keyof typeof KINDS; children: ReactNode }) {
  const { icon: Icon, colour } = KINDS[kind];
  return (
    <div
      role={kind === "warning" || kind === "danger" ? "status" : undefined}
      className={clsx("mt-1 flex items-start gap-1.5 text-xs", colour)}
    >
      <Icon aria-hidden className="mt-0.5 size-3.5 shrink-0" />
      <div className="min-w-0 [overflow-wrap:anywhere]">{children}</div>
    </div>
  );
}
