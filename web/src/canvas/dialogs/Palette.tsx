/** Every command by its name, and every node: typed, then taken with Enter. */
import { useTranslation } from "react-i18next";
import { Dialog } from "@/ui/Dialog";
import { nodeActions } from "../actions";
import { matches } from "../components";
import { useEditorParts } from "../context";
import { tidied } from "../model/tidy";
import type { DialogName } from "../store/editor";
import { useChooser } from "../useChooser";
import { focusNode, useView } from "../view";

interface Command {
  id: string;
  text: string;
  hint: string;
  run: () => void;
}

const OPENED: readonly Exclude<DialogName, "palette" | "run">[] = [
  "parameters",
  "settings",
  "schedule",
  "sweep",
  "notifications",
  "versions",
  "resume",
  "shortcuts",
];
const MOST = 60;

function useCommands(): Command[] {
  const { t } = useTranslation(["canvas", "common"]);
  const editor = useEditorParts();
  const view = useView();
  const { store, host } = editor;
  const state = store.getState();
  const selected = state.history.graph.nodes.find((node) => node.id === state.selection.at(-1));
  const ofNode = selected
    ? nodeActions(editor, selected.id)
        .filter((action) => !action.disabled)
        .map(({ id, keys, run }) => ({
          id: `${id} of node`,
          text: t(`action.${id}`),
          hint: keys ?? selected.name,
          run,
        }))
    : [];
  const commands = [
    { id: "run", text: t("run.all"), hint: "Ctrl+Enter", run: () => host.run({ kind: "all", nodes: [] }) },
    {
      id: "unfinished",
      text: t("palette.unfinished"),
      hint: "",
      run: () => host.run({ kind: "unfinished", nodes: [] }),
    },
    { id: "stop", text: t("run.stop"), hint: "Ctrl+Alt+Enter", run: host.stop },
    { id: "save", text: t("common:action.save"), hint: "Ctrl+S", run: () => void host.save() },
    { id: "undo", text: t("undo"), hint: "Ctrl+Z", run: state.undo },
    { id: "redo", text: t("redo"), hint: "Ctrl+Shift+Z", run: state.redo },
    {
      id: "tidy",
      text: t("view.tidy"),
      hint: "Shift+L",
      run: () => state.change({ type: "move", positions: tidied(state.history.graph) }),
    },
    { id: "fit", text: t("view.fit"), hint: "1", run: view.fit },
    {
      id: "dock",
      text: t("dock.toggle"),
      hint: "Ctrl+`",
      run: () => state.openDock({ open: !state.dock.open }),
    },
    ...OPENED.map((name) => ({
      id: name,
      text: t(`${name}.title`),
      hint: "",
      run: () => state.show({ dialog: name }),
    })),
  ];
  const nodes = state.history.graph.nodes.map((node) => ({
    id: node.id,
    text: node.name,
    hint: t("palette.node"),
    run: () => {
      state.select([node.id]);
      if (!view.sees(node.id)) view.show([node.id]);
      // After the dialog has given focus back.
      requestAnimationFrame(() => focusNode(node.id));
    },
  }));
  return [...ofNode, ...commands, ...nodes];
}

export function Palette({ onClose }: { onClose: () => void }) {
  const { t } = useTranslation("canvas");
  const commands = useCommands();
  const { found, input, list, option } = useChooser({
    name: "command",
    find: (text) => commands.filter((command) => matches(text, command.text)).slice(0, MOST),
    take: (command) => {
      onClose();
      command?.run();
    },
  });

  return (
    <Dialog open onClose={onClose} title={t("palette.title")}>
      <input
        {...input}
        aria-label={t("palette.search")}
        placeholder={t("palette.search")}
        className="h-9 w-full rounded-md border border-line-strong bg-surface px-3"
        autoFocus
      />
      <div {...list(t("palette.title"))} className="mt-2 h-80 overflow-auto">
        {found.map((command, number) => (
          <div
            key={command.id}
            {...option(command, number)}
            className="flex cursor-pointer items-center justify-between gap-4 rounded-md px-3 py-1.5 aria-selected:bg-sunken"
          >
            <span className="truncate">{command.text}</span>
            <span className="shrink-0 text-ink-faint text-xs">{command.hint}</span>
          </div>
        ))}
        {found.length ? null : <p className="p-3 text-ink-faint">{t("add.nothing")}</p>}
      </div>
    </Dialog>
  );
}
