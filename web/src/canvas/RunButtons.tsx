/** Run with its other ways, stop, and how the latest run stands. */

import { ChevronDown, Play, Square } from "lucide-react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { formatList } from "@/i18n/format";
import { sentenceOf } from "@/i18n/said";
import { type RunDetail, runEnded } from "@/live/run";
import { Button, IconButton } from "@/ui/Button";
import { Menu, MenuItem, MenuLabel } from "@/ui/Menu";
import { type State, StateBadge } from "@/ui/StateBadge";
import { type Mode, useEditor, useEditorParts } from "./context";

export function RunButtons({ run, starting }: { run: RunDetail | undefined; starting: boolean }) {
  const { t } = useTranslation("canvas");
  const { host } = useEditorParts();
  const going = run !== undefined && !runEnded(run);
  return (
    <>
      <div className="flex">
        <Button
          kind="primary"
          className="rounded-r-none pr-2.5"
          disabled={starting}
          title={t("run.hint")}
          onClick={() => host.run({ kind: "all", nodes: [] })}
        >
          <Play aria-hidden className="size-4 fill-current" />
          {t("run.all")}
        </Button>
        <ModeMenu />
      </div>
      {going ? (
        <Button kind="danger" disabled={run.stop_requested} onClick={host.stop} title={t("run.stopHint")}>
          <Square aria-hidden className="size-3.5 fill-current" />
          {t("run.stop")}
        </Button>
      ) : null}
      {run ? <LastRun run={run} /> : null}
    </>
  );
}

function LastRun({ run }: { run: RunDetail }) {
  const { t } = useTranslation("canvas");
  return (
    <Link
      to={`/runs/${run.id}`}
      className="ml-1 inline-flex h-8 shrink-0 items-center gap-1.5 rounded-md px-2 hover:bg-sunken"
      title={sentenceOf(run)}
      aria-live="polite"
    >
      <StateBadge state={run.state as State} />
      <span className="whitespace-nowrap text-ink-faint max-lg:hidden">
        {run.number ? t("run.number", { number: run.number }) : null}
      </span>
    </Link>
  );
}

function ModeMenu() {
  const { t } = useTranslation("canvas");
  const { host } = useEditorParts();
  const names = useEditor((state) => state.selection).length;
  const selectedNames = useSelectedNames();
  const start = (kind: Mode["kind"], nodes: string[] = []) => host.run({ kind, nodes });
  return (
    <Menu
      trigger={
        <IconButton
          kind="primary"
          label={t("run.modes")}
          className="min-w-7! rounded-l-none border-l-accent-ink/30! px-1!"
        >
          <ChevronDown aria-hidden className="size-4" />
        </IconButton>
      }
    >
      <MenuItem onSelect={() => start("all")}>{t("mode.all")}</MenuItem>
      <MenuItem onSelect={() => start("unfinished")}>{t("mode.unfinished")}</MenuItem>
      <MenuItem onSelect={() => host.run({ kind: "all", nodes: [] }, true)}>{t("mode.with")}</MenuItem>
      <MenuLabel>
        {names ? t("mode.selected", { names: formatList(selectedNames) }) : t("mode.selectFirst")}
      </MenuLabel>
      <MenuItem disabled={!names} onSelect={() => start("from", selectedNames)}>
        {t("mode.from")}
      </MenuItem>
      <MenuItem disabled={!names} onSelect={() => start("to", selectedNames)}>
        {t("mode.to")}
      </MenuItem>
      <MenuItem disabled={!names} onSelect={() => start("only", selectedNames)}>
        {t("mode.only")}
      </MenuItem>
    </Menu>
  );
}

function useSelectedNames(): string[] {
  const selection = useEditor((state) => state.selection);
  const graph = useEditor((state) => state.history.graph);
  return graph.nodes.filter((node) => selection.includes(node.id)).map((node) => node.name);
}
