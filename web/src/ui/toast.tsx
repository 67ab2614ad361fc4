/** Short news that need no answer. */

import { X } from "lucide-react";
import { Toast as Radix } from "radix-ui";
import { useTranslation } from "react-i18next";
import { create } from "zustand";
import { messageOf } from "@/i18n/said";
import { IconButton } from "./Button";

interface Toast {
  id: number;
  text: string;
  failed: boolean;
}

interface ToastStore {
  toasts: readonly Toast[];
  show: (text: string, failed?: boolean) => void;
  remove: (id: number) => void;
}

let next = 0;

export const useToasts = create<ToastStore>((set) => ({
  toasts: [],
  show: (text, failed = false) => {
    next += 1;
    const id = next;
    set(({ toasts }) => ({ toasts: [...toasts.slice(-4), { id, text, failed }] }));
  },
  remove: (id) => set(({ toasts }) => ({ toasts: toasts.filter((toast) => toast.id !== id) })),
}));

/** From anywhere, also outside of components. */
export const toast = (text: string) => useToasts.getState().show(text);
export const toastProblem = (problem: Error) => useToasts.getState().show(messageOf(problem), true);

export function Toasts() {
  const { t } = useTranslation();
  const { toasts, remove } = useToasts();
  return (
    <Radix.Provider duration={6_000}>
      {toasts.map(({ id, text, failed }) => (
        <Radix.Root
          key={id}
          type={failed ? "foreground" : "background"}
          onOpenChange={(open) => !open && remove(id)}
          className="flex items-start gap-2 rounded-lg border border-line bg-raised py-2 pr-1 pl-3 shadow-lg data-[failed=true]:border-danger"
          data-failed={failed}
        >
          <Radix.Description className="flex-1 py-1">{text}</Radix.Description>
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
