/** An editor for Python, or a viewer of it with a line marked; its code comes when one is first shown. */
import clsx from "clsx";
import { lazy, Suspense } from "react";
import { Skeleton } from "@/ui/Skeleton";
import type { EditorProps } from "./Editor";

const Editor = lazy(() => import("./Editor"));

export function CodeEditor({ className, ...props }: EditorProps & { className?: string }) {
  return (
    <div className={clsx("overflow-hidden rounded-md border border-line-strong", className)}>
      <Suspense fallback={<Skeleton className="h-full" />}>
        <Editor {...props} />
      </Suspense>
    </div>
  );
}
