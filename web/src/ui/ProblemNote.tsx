/** What went wrong and what to do, with the stable code. */

import clsx from "clsx";
import { TriangleAlert } from "lucide-react";
import { ProblemText } from "./ProblemText";

export function ProblemNote({ problem, className }: { problem: Error; className?: string }) {
  return (
    <div
      role="alert"
      className={clsx("flex gap-2 rounded-lg border border-danger bg-danger-soft px-3 py-2", className)}
    >
      <TriangleAlert aria-hidden className="mt-0.5 size-4 shrink-0 text-danger" />
      <ProblemText problem={problem} again />
    </div>
  );
}
