/** Short news that need no answer. */

import { X } from "lucide-react";
import { Toast as Radix } from "radix-ui";
import { useTranslation } from "react-i18next";
import { create } from "zustand";
import { ApiProblem } from "@/api/client";
import { messageOf } from "@/i18n/said";
import { IconButton } from "./Button";
import { ProblemText } from "./ProblemText";

interface Toast {
  id: number;
  text: string;
  problem?: Error;
}

interface ToastStore {
  toasts: readonly Toast[];
  show: (text: string, problem?: Error) => void;
  remove: (id: number) => void;
}

let next = 0;

export const useToasts = create<ToastStore>((set) => ({
  toasts: [],
  show: (text, problem) => {
    next += 1;
    const one = { id: next, text, ...(problem ? { problem } : {}) };
    set(({ toasts }) => ({ toasts: [...toasts.slice(-4), one] }));
  },
  remove: (id) => set(({ toasts }) => ({ toasts: toasts.filter((toast) => toast.id !== id) })),
}));

/** From anywhere, also outside of components. */
export const toast = (text: string) => useToasts.getState().show(text);
export function toastProblem(problem: Error): void {
  // Whoever is not signed in any more is asked to, which says it all.
  if (problem instanceof ApiProblem && problem.status === 401) return;
  useToasts.getState().show(messageOf(problem), problem);
}

export function Toasts() {
  const { t } = useTranslation();
  const { toasts, remove } = useToasts();
  return (
    <Radix.Provider duration={6_000}>
      {toasts.map(({ id, text, problem }) => (
        <Radix.Root
          key={id}
          type={problem ? "foreground" : "background"}
          onOpenChange={(open) => !open && remove(id)}
          className="flex items-start gap-2 rounded-lg border border-line bg-raised py-2 pr-1 pl-3 shadow-lg data-[failed=true]:border-danger"
          data-failed={problem !== undefined}
        >
          <Radix.Description asChild className="min-w-0 flex-1 break-words py-1">
            <div>{problem ? <ProblemText problem={problem} again={false} /> : text}</div>
          </Radix.Description>
          <Radix.Close asChild>
            <IconButton label={t("action.close")}>
              <X aria-hidden className="size-4" />
            </IconButton>
          </Radix.Close>
        </Radix.Root>
      ))}
      <Radix.Viewport className="fixed right-4 bottom-4 z-50 flex w-80 flex-col gap-2 outline-none" />
    </Radix.Provider>
  );
}
