/** Where a new node is chosen: typed, walked with the arrows, taken with Enter. */
import { useQuery } from "@tanstack/react-query";
import { LayoutTemplate, Search } from "lucide-react";
import { type KeyboardEvent, useEffect, useRef } from "react";
import { useTranslation } from "react-i18next";
import { language } from "@/i18n";
import { adding, tieTo } from "./adding";
import { matches, SECTIONS } from "./components";
import { useEditor, useEditorParts } from "./context";
import type { Kind } from "./model/graph";
import { KindIcon } from "./nodes/KindIcon";
import { templatesQuery } from "./server/templates";
import type { Search as Where } from "./store/editor";
import { useChooser } from "./useChooser";
import { focusNode, pane } from "./view";

export function SearchBox() {
  const search = useEditor((state) => state.search);
  return search ? <Box where={search} key={`${search.screen.x},${search.screen.y}`} /> : null;
}

interface Choice {
  id: string;
  kind?: Kind;
  text: string;
  hint: string;
  take: () => void;
}

const SIZE = { width: 288, height: 300 };

function Box({ where }: { where: Where }) {
  const { t } = useTranslation("canvas");
  const { store, host } = useEditorParts();
  const { data: templates } = useQuery(templatesQuery);
  const box = useRef<HTMLDivElement>(null);
  const { show, change, select } = store.getState();

  useEffect(() => {
    const close = (event: PointerEvent) => {
      if (!box.current?.contains(event.target as Element)) show({ search: undefined });
    };
    window.addEventListener("pointerdown", close, true);
    return () => window.removeEventListener("pointerdown", close, true);
  }, [show]);

  function leave(): void {
    show({ search: undefined });
    pane()?.focus();
  }

  function add(kind: Kind): void {
    const { history, selection } = store.getState();
    const tie = where.tie ?? tieTo(history.graph, selection, kind);
    const { change: one, id } = adding(history.graph, { kind, at: where.at, tie });
    change(one);
    select([id]);
    focusNode(id);
  }

  const all: Choice[] = [
    ...SECTIONS.toReversed().map(({ kind }) => ({
      id: kind,
      kind,
      text: t(`kind.${kind}`),
      hint: t(`kindHint.${kind}`),
      take: () => add(kind),
    })),
    ...(where.tie ? [] : (templates ?? [])).map((template) => ({
      id: template.name,
      text: template.words[language()]?.name ?? template.name,
      hint: t("tree.template"),
      take: () => host.insertTemplate(template.name, where.at),
    })),
  ];
  const { found, walk, input, list, option } = useChooser({
    name: "add",
    find: (text) => all.filter((choice) => matches(text, choice.text, choice.hint, choice.id)),
    take: (choice) => {
      leave();
      choice?.take();
    },
  });

  function onKeyDown(event: KeyboardEvent): void {
    event.stopPropagation();
    if (event.key === "Escape") leave();
    else if (event.key === "Tab") walk(event.shiftKey ? -1 : 1);
    else {
      input.onKeyDown(event);
      return;
    }
    event.preventDefault();
  }

  return (
    <div
      ref={box}
      role="dialog"
      aria-label={t("add.title")}
      className="fixed z-40 w-72 rounded-lg border border-line bg-raised p-1.5 shadow-xl"
      style={{
        left: Math.max(8, Math.min(where.screen.x, window.innerWidth - SIZE.width - 8)),
        top: Math.max(8, Math.min(where.screen.y, window.innerHeight - SIZE.height - 8)),
      }}
    >
      <div className="flex items-center gap-2 rounded-md border border-line-strong px-2">
        <Search aria-hidden className="size-4 text-ink-faint" />
        <input
          {...input}
          aria-label={t("add.search")}
          placeholder={t("add.search")}
          className="h-8 flex-1 bg-transparent outline-none placeholder:text-ink-faint"
          // biome-ignore lint/a11y/noAutofocus: it was asked for, to be typed into
          autoFocus
          onKeyDown={onKeyDown}
        />
      </div>
      <div {...list(t("add.title"))} className="mt-1 max-h-64 overflow-auto">
        {found.map((choice, number) => (
          <div
            key={choice.id}
            {...option(choice, number)}
            className="flex cursor-pointer items-center gap-2 rounded-md p-1.5 aria-selected:bg-sunken"
          >
            {choice.kind ? (
              <KindIcon kind={choice.kind} />
            ) : (
              <LayoutTemplate aria-hidden className="mx-1.5 size-4 text-ink-faint" />
            )}
            <span className="min-w-0">
              <span className="block truncate font-medium">{choice.text}</span>
              <span className="block truncate text-ink-faint text-xs">{choice.hint}</span>
            </span>
          </div>
        ))}
        {found.length ? null : <p className="p-3 text-center text-ink-faint">{t("add.nothing")}</p>}
      </div>
    </div>
  );
}
