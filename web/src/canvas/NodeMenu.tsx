/** The menu under the right mouse button: of a node, of an edge, of the empty canvas. */
import { Check, ClipboardPaste, LayoutGrid, Maximize, Plus, Trash2 } from "lucide-react";
import { DropdownMenu } from "radix-ui";
import { Fragment } from "react";
import { useTranslation } from "react-i18next";
import { MENU, MENU_ITEM, MenuItem, MenuLabel, MenuSeparator } from "@/ui/Menu";
import { type Action, nodeActions, pasteText } from "./actions";
import { pasteableText } from "./clipboard";
import { useEditor, useEditorParts, useLook } from "./context";
import type { When } from "./model/graph";
import { tidied } from "./model/tidy";
import { pane, useView } from "./view";

export function NodeMenu() {
  const menu = useEditor((state) => state.menu);
  const show = useEditor((state) => state.show);
  if (!menu) return null;
  const { x, y } = menu.screen;
  return (
    <DropdownMenu.Root open onOpenChange={(open) => !open && show({ menu: undefined })} modal={false}>
      <DropdownMenu.Trigger asChild>
        <span aria-hidden className="fixed size-0" style={{ left: x, top: y }} />
      </DropdownMenu.Trigger>
      <DropdownMenu.Portal>
        <DropdownMenu.Content
          align="start"
          side="right"
          collisionPadding={8}
          className={MENU}
          onCloseAutoFocus={(event) => {
            // The trigger can't take it; what was chosen may have it already.
            event.preventDefault();
            if (document.activeElement === document.body) pane()?.focus();
          }}
        >
          {menu.node ? <OfNode id={menu.node} /> : menu.edge ? <OfEdge id={menu.edge} /> : <OfCanvas />}
        </DropdownMenu.Content>
      </DropdownMenu.Portal>
    </DropdownMenu.Root>
  );
}

function OfNode({ id }: { id: string }) {
  const { t } = useTranslation("canvas");
  const name = useEditor((state) => state.history.graph.nodes.find((one) => one.id === id)?.name);
  useLook(name ?? ""); // what can be done follows how it stands
  const actions = nodeActions(useEditorParts(), id);
  const groups = Map.groupBy(actions, (action) => action.group);
  return [...groups].map(([group, some], at) => (
    <Fragment key={group}>
      {at ? <MenuSeparator /> : null}
      {some.map((action) => (
        <Entry key={action.id} action={action} text={t(`action.${action.id}`)} />
      ))}
    </Fragment>
  ));
}

function Entry({ action: { icon, keys, danger, disabled, run }, text }: { action: Action; text: string }) {
  return (
    <MenuItem icon={icon} danger={danger ?? false} disabled={disabled ?? false} onSelect={run}>
      <span className="flex-1">{text}</span>
      {keys ? <kbd className="ml-6 font-sans text-ink-faint text-xs">{keys}</kbd> : null}
    </MenuItem>
  );
}

const WHENS: readonly When[] = ["success", "failure", "always"];

function OfEdge({ id }: { id: string }) {
  const { t } = useTranslation("canvas");
  const when = useEditor((state) => state.history.graph.edges.find((edge) => edge.id === id)?.when);
  const change = useEditor((state) => state.change);
  return (
    <>
      <MenuLabel>{t("when.label")}</MenuLabel>
      <DropdownMenu.RadioGroup
        value={when ?? "success"}
        onValueChange={(value) => change({ type: "when", edge: id, when: value as When })}
      >
        {WHENS.map((one) => (
          <DropdownMenu.RadioItem key={one} value={one} className={`${MENU_ITEM} pl-7`}>
            <DropdownMenu.ItemIndicator className="absolute -ml-5">
              <Check aria-hidden className="size-4" />
            </DropdownMenu.ItemIndicator>
            {t(`when.${one}Long`)}
          </DropdownMenu.RadioItem>
        ))}
      </DropdownMenu.RadioGroup>
      <MenuSeparator />
      <MenuItem icon={Trash2} danger onSelect={() => change({ type: "remove", nodes: [], edges: [id] })}>
        {t("action.delete")}
      </MenuItem>
    </>
  );
}

function OfCanvas() {
  const { t } = useTranslation("canvas");
  const { store } = useEditorParts();
  const view = useView();
  const { menu, show, change, history, readOnly } = store.getState();
  const screen = menu?.screen ?? { x: 0, y: 0 };
  if (readOnly) {
    return (
      <MenuItem icon={Maximize} onSelect={view.fit}>
        {t("view.fit")}
      </MenuItem>
    );
  }
  return (
    <>
      <MenuItem icon={Plus} onSelect={() => show({ search: { screen, at: view.place(screen) } })}>
        {t("add.title")}
      </MenuItem>
      <MenuItem
        icon={ClipboardPaste}
        onSelect={() =>
          void pasteableText().then((text) => pasteText(store, text, { at: view.place(screen) }))
        }
      >
        {t("action.paste")}
      </MenuItem>
      <MenuSeparator />
      <MenuItem icon={LayoutGrid} onSelect={() => change({ type: "move", positions: tidied(history.graph) })}>
        {t("view.tidy")}
      </MenuItem>
      <MenuItem icon={Maximize} onSelect={view.fit}>
        {t("view.fit")}
      </MenuItem>
    </>
  );
}
