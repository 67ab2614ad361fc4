/** One log, opened: its lines, its search, where one is in it. */
import { ArrowDown } from "lucide-react";
import { type KeyboardEvent, useCallback, useEffect, useId, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { formatCount } from "@/i18n/format";
import { Button } from "@/ui/Button";
import { ProblemNote } from "@/ui/ProblemNote";
import { Skeleton } from "@/ui/Skeleton";
import type { LineRange, LogName } from "../model/links";
import type { LogSession } from "../model/session";
import { lineSurely } from "../model/source";
import { GoToLine } from "./GoToLine";
import { LogRows } from "./LogRows";
import { Scrollbar } from "./Scrollbar";
import { SearchBar } from "./SearchBar";
import { copySelected, usePinned } from "./selection";
import { useDragging } from "./useDragging";
import { useHeight } from "./useHeight";
import { useVersion } from "./useLogSession";
import { ROW, useScroll } from "./useScroll";
import { useSearch } from "./useSearch";
import { useWheel } from "./useWheel";

export type Panel = "search" | "goto" | undefined;

export interface OpenLogProps {
  session: LogSession;
  name: LogName;
  wrap: boolean;
  times: boolean;
  panel: Panel;
  setPanel: (panel: Panel) => void;
  /** Where to be at first: lines, or a byte; at the end, if neither. */
  first: LineRange | number | undefined;
  /** Byte offsets that are worth a look. */
  marks: readonly number[];
  chosen: LineRange | undefined;
  onChoose: (lines: LineRange | undefined) => void;
  autoFocus: boolean;
}

export function OpenLog(props: OpenLogProps) {
  const { session, name, wrap, times, panel, setPanel, first, marks, chosen, onChoose, autoFocus } = props;
  const { t } = useTranslation("logs");
  const version = useVersion(session);
  const id = useId();
  const viewport = useRef<HTMLDivElement>(null);
  const content = useRef<HTMLDivElement>(null);
  const height = useHeight(viewport);
  const screen = Math.ceil(height / ROW) + 4;
  const scroll = useScroll(session, viewport, content);
  const search = useSearch(session, scroll, panel === "search");
  const pinned = usePinned(content);
  const { by, to, toEnd, moved, position } = scroll;
  const [goProblem, setGoProblem] = useState<Error>();
  useWheel(viewport, by);
  useDragging(viewport, content, by);

  const goTo = useCallback(
    async (line: number, until = line) => {
      setGoProblem(undefined);
      try {
        const found = await lineSurely(session.source, { line }, new AbortController().signal);
        if (typeof found?.line !== "number" || typeof found.offset !== "number") return;
        session.document.learn(found.offset, found.end ?? null, found.line);
        onChoose({ from: found.line, to: Math.max(found.line, until), offset: found.offset });
        await to(found.offset);
      } catch (problem) {
        setGoProblem(problem as Error);
      }
    },
    [session, to, onChoose],
  );
  const opened = useRef<typeof first>(undefined);
  useEffect(() => {
    if (first === undefined || opened.current === first) return;
    opened.current = first;
    // A byte is where things went wrong; it may be found only after somebody began to read elsewhere.
    if (typeof first === "number" && moved()) return;
    if (typeof first === "number") void to(first);
    else if (first.offset !== undefined) void to(first.offset);
    else void goTo(first.from, first.to);
  }, [first, to, goTo, moved]);
  useEffect(() => {
    if (autoFocus) viewport.current?.focus({ focusVisible: false } as FocusOptions);
  }, [autoFocus]);
  useEffect(() => {
    const copy = (event: ClipboardEvent) => {
      if (content.current) copySelected(event, session, content.current, t("tooMuch"));
    };
    document.addEventListener("copy", copy);
    return () => document.removeEventListener("copy", copy);
  }, [session, t]);

  const onNumber = useCallback(
    (start: number, number: number, extend: boolean) => {
      const known = chosen?.offset !== undefined && extend ? chosen : undefined;
      if (known && number >= known.from) onChoose({ ...known, to: number });
      else if (known) onChoose({ from: number, to: known.to, offset: start });
      else if (chosen?.from === number && chosen.to === number) onChoose(undefined);
      else onChoose({ from: number, to: number, offset: start });
    },
    [chosen, onChoose],
  );
  // The last search, taken up by `n`: the keys stay with the log.
  const takenUp = useRef(false);
  useEffect(() => {
    if (panel) takenUp.current = false;
  }, [panel]);
  const goOn = (direction: 1 | -1) => {
    if (panel === "search") return search.go(direction);
    takenUp.current = search.query.pattern !== "";
    setPanel("search");
  };
  const keys = (event: KeyboardEvent) => {
    const page = Math.max(ROW, height - 2 * ROW);
    const moves = new Map<string, () => unknown>([
      ["ArrowDown", () => by(ROW)],
      ["ArrowUp", () => by(-ROW)],
      ["PageDown", () => by(page)],
      ["PageUp", () => by(-page)],
      [" ", () => by(event.shiftKey ? -page : page)],
      ["Home", () => to(0, 0)],
      ["End", toEnd],
      ["n", () => goOn(1)],
      ["N", () => goOn(-1)],
    ]);
    const move = moves.get(event.key);
    if (!move || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    move();
  };
  const closePanel = () => {
    setPanel(undefined);
    viewport.current?.focus();
  };

  const behind = position.end ? 0 : session.document.newLines - position.newLines;
  const following = position.end && session.state !== "ended";
  return (
    <>
      {panel === "search" ? (
        <SearchBar search={search} onClose={closePanel} autoFocus={!takenUp.current} />
      ) : null}
      {panel === "goto" ? (
        <GoToLine
          onGo={(line) => {
            closePanel();
            void goTo(line);
          }}
          onClose={closePanel}
        />
      ) : null}
      {(session.problem ?? goProblem) ? (
        <ProblemNote problem={session.problem ?? goProblem ?? new Error()} className="m-2" />
      ) : null}
      <div className="log relative flex min-h-0 flex-1 bg-surface">
        <div
          ref={viewport}
          id={id}
          role="log"
          aria-live="off"
          aria-label={name}
          // biome-ignore lint/a11y/noNoninteractiveTabindex: it is scrolled by keys
          tabIndex={0}
          onKeyDown={keys}
          onScroll={(event) => {
            // What the browser brings into view (find, a moved selection) is brought there our way.
            const { scrollTop } = event.currentTarget;
            if (scrollTop === 0) return;
            event.currentTarget.scrollTop = 0;
            by(scrollTop);
          }}
          className="relative min-w-0 flex-1 overflow-x-auto overflow-y-hidden font-mono text-xs outline-none"
        >
          <LogRows
            {...{ session, version, content, position, screen, times, wrap, chosen, pinned, onNumber }}
            marks={search.marks}
          />
          {session.document.size === 0 && session.state !== "opening" ? (
            <p className="p-4 font-sans text-ink-soft">
              {session.state === "ended" ? t("empty") : t("nothingYet")}
            </p>
          ) : null}
          {session.state === "opening" ? <Skeleton className="absolute inset-3" /> : null}
        </div>
        <Scrollbar scroll={scroll} size={session.document.size} height={height} controls={id} marks={marks} />
        {position.end || (behind === 0 && session.state === "ended") ? null : (
          <Button kind="plain" className="absolute right-6 bottom-4 h-7! shadow" onClick={toEnd}>
            <ArrowDown aria-hidden className="size-3.5" />
            {behind ? t("newLines", { count: behind, shown: formatCount(behind) }) : t("toEnd")}
          </Button>
        )}
        {following ? <span className="sr-only">{t("following")}</span> : null}
      </div>
    </>
  );
}
