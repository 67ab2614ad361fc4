import clsx from "clsx";
import { X } from "lucide-react";
import { Dialog as Radix } from "radix-ui";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { IconButton } from "./Button";

interface DialogProps {
  open: boolean;
  onClose: () => void;
  title: string;
  description?: string;
  wide?: boolean;
  /** Buttons, in the bottom right. */
  actions?: ReactNode;
  children: ReactNode;
}

export function Dialog({ open, onClose, title, description, wide, actions, children }: DialogProps) {
  const { t } = useTranslation();
  return (
    <Radix.Root open={open} onOpenChange={(now) => !now && onClose()}>
      <Radix.Portal>
        <Radix.Overlay className="fixed inset-0 z-50 bg-black/40" />
        <Radix.Content
          {...(description ? {} : { "aria-describedby": undefined })}
          onOpenAutoFocus={focusFirst}
          // A toast that is seen hears the key before the dialog does, and keeps it.
          onKeyDown={(event) => event.key === "Escape" && !event.defaultPrevented && onClose()}
          className={clsx(
            "fixed top-1/2 left-1/2 z-50 flex max-h-[88vh] -translate-x-1/2 -translate-y-1/2 flex-col rounded-xl border border-line bg-raised shadow-xl outline-none",
            wide ? "w-[min(64rem,94vw)]" : "w-[min(32rem,94vw)]",
          )}
        >
          <header className="flex items-start gap-3 border-b border-line py-2 pr-3 pl-5">
            <div className="min-w-0 flex-1 py-1.5">
              <Radix.Title className="font-semibold text-sm">{title}</Radix.Title>
              {description ? (
                <Radix.Description className="mt-0.5 text-ink-soft">{description}</Radix.Description>
              ) : null}
            </div>
            <Radix.Close asChild>
              <IconButton label={t("action.close")}>
                <X aria-hidden className="size-4" />
              </IconButton>
            </Radix.Close>
          </header>
          <div className="min-h-0 flex-1 overflow-auto px-5 py-4">{children}</div>
          {actions ? (
            <footer className="flex justify-end gap-2 border-t border-line px-5 py-3">{actions}</footer>
          ) : null}
        </Radix.Content>
      </Radix.Portal>
    </Radix.Root>
  );
}

/** The first field, or else the dialog itself: on the button that closes it, its tip would take the Escape key. */
function focusFirst(event: Event): void {
  const dialog = event.currentTarget as HTMLElement;
  event.preventDefault();
  (dialog.querySelector<HTMLElement>("input:not([type=hidden]), textarea, select") ?? dialog).focus();
}
