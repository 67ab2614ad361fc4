import type { LucideIcon } from "lucide-react";
import { Check } from "lucide-react";
import { DropdownMenu } from "radix-ui";
import type { ReactElement, ReactNode } from "react";

/** Classes that the canvas's context menu shares. */
export const MENU =
  "z-50 max-h-[calc(100vh-1rem)] min-w-44 overflow-y-auto rounded-lg border border-line bg-raised p-1 shadow-lg";
export const MENU_ITEM =
  "flex select-none items-center gap-2 rounded px-2 py-1.5 outline-none data-[highlighted]:bg-sunken data-[disabled]:text-ink-faint data-[disabled]:opacity-60";

export function Menu({ trigger, children }: { trigger: ReactElement; children: ReactNode }) {
  return (
    // A modal one would hide the page from screen readers, and leave it to the Tab key.
    <DropdownMenu.Root modal={false}>
      <DropdownMenu.Trigger asChild>{trigger}</DropdownMenu.Trigger>
      <DropdownMenu.Portal>
        <DropdownMenu.Content align="end" sideOffset={4} collisionPadding={8} className={MENU}>
          {children}
        </DropdownMenu.Content>
      </DropdownMenu.Portal>
    </DropdownMenu.Root>
  );
}

interface ItemProps {
  icon?: LucideIcon;
  danger?: boolean;
  disabled?: boolean;
  onSelect: () => void;
  children: ReactNode;
}

export function MenuItem({ icon: Icon, danger, disabled, onSelect, children }: ItemProps) {
  return (
    <DropdownMenu.Item
      disabled={disabled ?? false}
      onSelect={onSelect}
      className={danger ? `${MENU_ITEM} text-danger` : MENU_ITEM}
    >
      {Icon ? <Icon aria-hidden className="size-4" /> : null}
      {children}
    </DropdownMenu.Item>
  );
}

export function MenuChoice({
  checked,
  onSelect,
  children,
}: {
  checked: boolean;
  onSelect: () => void;
  children: ReactNode;
}) {
  return (
    <DropdownMenu.CheckboxItem checked={checked} onSelect={onSelect} className={`${MENU_ITEM} pl-7`}>
      <DropdownMenu.ItemIndicator className="absolute -ml-5">
        <Check aria-hidden className="size-4" />
      </DropdownMenu.ItemIndicator>
      {children}
    </DropdownMenu.CheckboxItem>
  );
}

export function MenuLabel({ children }: { children: ReactNode }) {
  return <DropdownMenu.Label className="px-2 py-1 text-xs text-ink-faint">{children}</DropdownMenu.Label>;
}

export function MenuSeparator() {
  return <DropdownMenu.Separator className="my-1 h-px bg-line" />;
}
