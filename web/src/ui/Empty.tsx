import type { ReactNode } from "react";

export function Empty({ title, children }: { title: ReactNode; children?: ReactNode }) {
  return (
    <div className="grid place-items-center gap-3 px-6 py-16 text-center text-ink-soft">
      {typeof title === "string" ? <p>{title}</p> : title}
      {children}
    </div>
  );
}
