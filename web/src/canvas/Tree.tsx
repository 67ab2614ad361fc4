/** Components to drag onto the canvas; a click or Enter adds them too. */
import { useQuery } from "@tanstack/react-query";
import { LayoutTemplate, PanelLeftClose } from "lucide-react";
import { type DragEvent, type ReactNode, useState } from "react";
import { useTranslation } from "react-i18next";
import { language } from "@/i18n";
import { IconButton } from "@/ui/Button";
import { SearchField } from "@/ui/SearchField";
import { Skeleton } from "@/ui/Skeleton";
import { adding, tieTo } from "./adding";
import { matches, SECTIONS } from "./components";
import { useEditor, useEditorParts } from "./context";
import { PART, type Part } from "./drops";
import type { Kind } from "./model/graph";
import { KindIcon } from "./nodes/KindIcon";
import { templatesQuery } from "./server/templates";
import { useView } from "./view";

export function Tree() {
  const { t } = useTranslation(["canvas", "common"]);
  const { store, host } = useEditorParts();
  const show = useEditor((state) => state.show);
  const view = useView();
  const { data: templates } = useQuery(templatesQuery);
  const [search, setSearch] = useState("");

  function add(kind: Kind): void {
    const { history, selection, change, select } = store.getState();
    const tie = tieTo(history.graph, selection, kind);
    const middle = view.middle().at;
    const at = { x: middle.x - 104, y: middle.y - 40 };
    const { change: one, id } = adding(history.graph, { kind, tie, ...(tie ? {} : { at }) });
    change(one);
    select([id]);
    view.show([id]);
  }

  const kinds = SECTIONS.filter(({ section, kind }) =>
    matches(search, t(`tree.${section}`), t(`kind.${kind}`), t(`kindHint.${kind}`), kind),
  );
  const examples = templates?.filter((template) => {
    const words = template.words[language()];
    return matches(search, t("tree.templates"), words?.name ?? "", words?.description ?? "", template.name);
  });

  return (
    <aside
      aria-label={t("tree.title")}
      className="flex w-56 shrink-0 flex-col border-line border-r bg-surface"
      data-region
    >
      <div className="flex items-center gap-1 p-2">
        <SearchField
          label={t("tree.search")}
          placeholder={t("common:action.search")}
          className="flex-1"
          value={search}
          onChange={setSearch}
        />
        <IconButton
          label={t("tree.hide")}
          className="h-7! min-w-7!"
          onClick={() => show({ treeOpen: false })}
        >
          <PanelLeftClose aria-hidden className="size-4" />
        </IconButton>
      </div>
      <div className="min-h-0 flex-1 overflow-auto px-2 pb-3">
        {kinds.map(({ section, kind }) => (
          <Section key={section} title={t(`tree.${section}`)}>
            <Entry
              part={{ kind }}
              icon={<KindIcon kind={kind} />}
              text={t(`kind.${kind}`)}
              hint={t(`kindHint.${kind}`)}
              onTake={() => add(kind)}
            />
          </Section>
        ))}
        {templates === undefined ? <Skeleton className="mt-4 h-24" /> : null}
        {examples?.length ? (
          <Section title={t("tree.templates")}>
            {examples.map((template) => (
              <Entry
                key={template.name}
                part={{ template: template.name }}
                icon={<LayoutTemplate aria-hidden className="mx-1.5 size-4 shrink-0 text-ink-faint" />}
                text={template.words[language()]?.name ?? template.name}
                hint={template.words[language()]?.description ?? ""}
                onTake={() => host.insertTemplate(template.name)}
              />
            ))}
          </Section>
        ) : null}
        {kinds.length || examples?.length ? null : <p className="p-3 text-ink-faint">{t("add.nothing")}</p>}
      </div>
      <p className="border-line border-t px-3 py-2 text-ink-faint text-xs">{t("tree.hint")}</p>
    </aside>
  );
}

function Section({ title, children }: { title: string; children: ReactNode }) {
  return (
    <section className="mt-2">
      <h3 className="px-1 py-1 font-medium text-ink-faint text-xs">{title}</h3>
      {children}
    </section>
  );
}

interface EntryProps {
  part: Part;
  icon: ReactNode;
  text: string;
  hint: string;
  onTake: () => void;
}

function Entry({ part, icon, text, hint, onTake }: EntryProps) {
  function start(event: DragEvent): void {
    event.dataTransfer.setData(PART, JSON.stringify(part));
    event.dataTransfer.effectAllowed = "copy";
  }
  return (
    <button
      type="button"
      draggable
      onDragStart={start}
      onClick={onTake}
      title={hint}
      className="flex w-full cursor-grab items-center gap-2 rounded-md border border-transparent p-1.5 text-left hover:border-line hover:bg-sunken active:cursor-grabbing"
    >
      {icon}
      <span className="min-w-0">
        <span className="block font-medium leading-snug">{text}</span>
        <span className="line-clamp-2 text-ink-faint text-xs">{hint}</span>
      </span>
    </button>
  );
}
