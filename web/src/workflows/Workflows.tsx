/** The list of workflows. */
import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { ChevronDown, FileUp, LayoutTemplate, Plus } from "lucide-react";
import { useDeferredValue, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { useNavigate } from "react-router";
import { language } from "@/i18n";
import { Button } from "@/ui/Button";
import { Empty } from "@/ui/Empty";
import { Menu, MenuItem } from "@/ui/Menu";
import { ProblemNote } from "@/ui/ProblemNote";
import { SearchField } from "@/ui/SearchField";
import { Skeleton } from "@/ui/Skeleton";
import { useTitle } from "@/ui/useTitle";
import { Card } from "./Card";
import { DeleteDialog, RenameDialog } from "./dialogs";
import { FirstVisit } from "./FirstVisit";
import { type Imported, ImportedDialog, tellsMore } from "./ImportedDialog";
import {
  copy,
  create,
  createFrom,
  importFile,
  type Listed,
  templatesQuery,
  useDoing,
  workflowsQuery,
} from "./queries";

export function Workflows() {
  const { t } = useTranslation("workflows");
  useTitle(t("title"));
  const navigate = useNavigate();
  const [text, setText] = useState("");
  const [renamed, setRenamed] = useState<Listed>();
  const [deleted, setDeleted] = useState<Listed>();
  const [imported, setImported] = useState<Imported>();
  const picker = useRef<HTMLInputElement>(null);
  const list = useInfiniteQuery(workflowsQuery(useDeferredValue(text.trim())));
  const { data: templates } = useQuery(templatesQuery);
  const open = ({ id }: { id: string }) => void navigate(`/workflows/${id}`);
  const making = useDoing(create, open);
  const templating = useDoing(createFrom, open);
  const importing = useDoing(importFile, (made) => (tellsMore(made) ? setImported(made) : open(made)));
  const copying = useDoing(copy);
  const busy = making.isPending || templating.isPending || importing.isPending;
  const workflows = list.data?.pages.flatMap((page) => page.items);
  const first = workflows?.length === 0 && !text.trim();

  return (
    <div className="mx-auto flex min-h-full max-w-[110rem] flex-col gap-4 p-6">
      <header className="flex flex-wrap items-center gap-2">
        <h1 className="font-semibold text-lg">{t("title")}</h1>
        <div className="flex min-w-24 flex-1 justify-end">
          {first ? null : (
            <SearchField label={t("search")} className="w-64 bg-surface" value={text} onChange={setText} />
          )}
        </div>
        <Button onClick={() => picker.current?.click()} disabled={busy}>
          <FileUp aria-hidden className="size-4" />
          {t("import")}
        </Button>
        <input
          ref={picker}
          type="file"
          accept=".yaml,.yml,.json"
          hidden
          aria-label={t("import")}
          onChange={(event) => {
            const file = event.target.files?.[0];
            if (file) importing.mutate(file);
            event.target.value = "";
          }}
        />
        <Menu
          trigger={
            <Button disabled={busy}>
              <LayoutTemplate aria-hidden className="size-4" />
              {t("fromTemplate")}
              <ChevronDown aria-hidden className="size-4" />
            </Button>
          }
        >
          {templates?.map((template) => (
            <MenuItem key={template.name} onSelect={() => templating.mutate(template.name)}>
              {template.words[language()]?.name ?? template.name}
            </MenuItem>
          ))}
        </Menu>
        <Button kind="primary" disabled={busy} onClick={() => making.mutate(t("newName"))}>
          <Plus aria-hidden className="size-4" />
          {t("new")}
        </Button>
      </header>
      {list.isError ? <ProblemNote problem={list.error} /> : null}
      {!workflows && !list.isError ? <Waiting /> : null}
      {first ? (
        <FirstVisit
          busy={busy}
          onTemplate={(name) => templating.mutate(name)}
          onNew={() => making.mutate(t("newName"))}
        />
      ) : workflows?.length === 0 ? (
        <Empty title={t("nothing", { text })} />
      ) : (
        <div className="grid grid-cols-[repeat(auto-fill,minmax(17rem,1fr))] gap-4">
          {workflows?.map((workflow) => (
            <Card
              key={workflow.id}
              workflow={workflow}
              onCopy={() => copying.mutate(workflow)}
              onRename={() => setRenamed(workflow)}
              onDelete={() => setDeleted(workflow)}
              onRuns={() => void navigate(`/workflows/${workflow.id}/runs`)}
            />
          ))}
        </div>
      )}
      {list.hasNextPage ? (
        <Button
          className="self-center"
          disabled={list.isFetchingNextPage}
          onClick={() => void list.fetchNextPage()}
        >
          {t("more")}
        </Button>
      ) : null}
      {imported ? <ImportedDialog made={imported} onOpen={() => open(imported)} /> : null}
      {renamed ? <RenameDialog workflow={renamed} onClose={() => setRenamed(undefined)} /> : null}
      {deleted ? <DeleteDialog workflow={deleted} onClose={() => setDeleted(undefined)} /> : null}
    </div>
  );
}

const PLACES = ["a", "b", "c", "d", "e", "f"];

function Waiting() {
  return (
    <div className="grid grid-cols-[repeat(auto-fill,minmax(17rem,1fr))] gap-4">
      {PLACES.map((place) => (
        <Skeleton key={place} className="h-56" />
      ))}
    </div>
  );
}
