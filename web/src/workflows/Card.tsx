/** A workflow in the list: its picture, its name, how its last run stands. */
import { CalendarClock, Copy, Download, Ellipsis, History, Pencil, Trash2, Workflow } from "lucide-react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { formatMoment } from "@/i18n/format";
import { IconButton } from "@/ui/Button";
import { Menu, MenuItem, MenuSeparator } from "@/ui/Menu";
import { type State, StateBadge } from "@/ui/StateBadge";
import { Picture } from "./Picture";
import type { Listed } from "./queries";

interface CardProps {
  workflow: Listed;
  onCopy: () => void;
  onRename: () => void;
  onDelete: () => void;
  onRuns: () => void;
}

export function Card({ workflow, onCopy, onRename, onDelete, onRuns }: CardProps) {
  const { t } = useTranslation(["workflows", "common"]);
  return (
    <article className="group relative flex flex-col overflow-hidden rounded-xl border border-line bg-surface focus-within:border-line-strong hover:border-line-strong hover:shadow-sm">
      <div className="h-32 border-line border-b bg-page p-2">
        {workflow.outline ? (
          <Picture graph={workflow.outline} layout={workflow.layout} className="size-full" />
        ) : (
          <div className="grid h-full place-items-center text-ink-faint">
            <Workflow aria-hidden className="size-8" />
          </div>
        )}
      </div>
      <div className="flex flex-1 flex-col gap-1 p-3">
        <div className="flex items-start gap-1">
          <h2 className="min-w-0 flex-1 truncate font-semibold" title={workflow.name}>
            <Link to={`/workflows/${workflow.id}`} className="after:absolute after:inset-0">
              {workflow.name}
            </Link>
          </h2>
          <div className="relative z-10 -mt-1 -mr-1.5">
            <Menu
              trigger={
                <IconButton label={t("card.menu", { name: workflow.name })} className="h-7! min-w-7!">
                  <Ellipsis aria-hidden className="size-4" />
                </IconButton>
              }
            >
              <MenuItem icon={History} onSelect={onRuns}>
                {t("card.runs")}
              </MenuItem>
              <MenuItem icon={Pencil} onSelect={onRename}>
                {t("common:action.rename")}
              </MenuItem>
              <MenuItem icon={Copy} onSelect={onCopy}>
                {t("card.copy")}
              </MenuItem>
              <MenuItem
                icon={Download}
                onSelect={() => location.assign(`/api/v1/workflows/${workflow.id}/export`)}
              >
                {t("card.export")}
              </MenuItem>
              <MenuSeparator />
              <MenuItem icon={Trash2} danger onSelect={onDelete}>
                {t("common:action.delete")}
              </MenuItem>
            </Menu>
          </div>
        </div>
        <p className="line-clamp-2 min-h-4 text-ink-soft text-xs" title={workflow.description}>
          {workflow.description}
        </p>
        <div className="mt-auto flex flex-wrap items-center gap-x-3 gap-y-1 pt-1 text-xs">
          {workflow.last_run_state ? (
            <StateBadge state={workflow.last_run_state as State} className="[&>svg]:size-3.5" />
          ) : (
            <span className="text-ink-faint">{t("card.neverRun")}</span>
          )}
          {workflow.scheduled ? (
            <span className="inline-flex items-center gap-1 rounded-full bg-sunken px-2 text-ink-soft">
              <CalendarClock aria-hidden className="size-3" />
              {t("card.scheduled")}
            </span>
          ) : null}
          <span className="ml-auto text-ink-faint" title={t("card.saved", { owner: workflow.owner })}>
            {t("card.nodes", { count: workflow.nodes })} · {formatMoment(workflow.updated_at)}
          </span>
        </div>
      </div>
    </article>
  );
}
