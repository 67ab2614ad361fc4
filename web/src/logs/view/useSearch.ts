/** A search over the whole log, on the platform: how many there are, which one is looked at, and those on screen. */
import { useCallback, useEffect, useRef, useState } from "react";
import type { Mark } from "../model/marks";
import type { LogSession } from "../model/session";
import { type LogMatch, type LogSearch, type Part, type Query, search } from "../model/source";
import type { Scroll } from "./useScroll";

const TYPING = 200;
const DRAWING = 60;
const GROWING = 1_000;
/** Of a screen of lines that are full of them. */
const ON_SCREEN = 1_000;

export interface Search {
  query: Query;
  setQuery: (query: Query) => void;
  total: number | undefined;
  /** Whether all bytes were searched; if not, there may be more. */
  complete: boolean;
  busy: boolean;
  problem: Error | undefined;
  current: LogMatch | undefined;
  /** Which of all it is, from 1. */
  number: number;
  go: (direction: 1 | -1) => void;
  marks: readonly Mark[];
}

const NONE: readonly Mark[] = [];

export function useSearch(session: LogSession, scroll: Scroll, open: boolean): Search {
  const [query, setQuery] = useState<Query>({ pattern: "", regex: false, case: false });
  const [result, setResult] = useState<LogSearch>();
  const [problem, setProblem] = useState<Error>();
  const [busy, setBusy] = useState(false);
  const [current, setCurrent] = useState<{ match: LogMatch; number: number }>();
  const [marks, setMarks] = useState<readonly LogMatch[]>([]);
  const running = useRef(new AbortController());
  const { source } = session;
  const active = open && query.pattern !== "";
  const { start, end } = scroll.seen;
  const seenStart = useRef(start);
  seenStart.current = start;
  const { to } = scroll;

  /** Search until there is an answer, however long the log is; the count grows meanwhile. */
  const ask = useCallback(
    async (part: Part, signal: AbortSignal): Promise<LogSearch | undefined> => {
      let searched = -1;
      for (;;) {
        const found = await search(source, query, part, signal);
        if (signal.aborted) return undefined;
        setResult(found);
        // A match in the first part answers what comes next; the last one is known at the end only.
        const answered = found.complete || (found.matches.length > 0 && !part.last);
        if (answered || found.searched <= searched) return found;
        searched = found.searched;
      }
    },
    [source, query],
  );

  const begin = useCallback((): AbortSignal => {
    running.current.abort();
    running.current = new AbortController();
    setBusy(true);
    setProblem(undefined);
    return running.current.signal;
  }, []);

  const show = useCallback(
    (found: LogSearch | undefined): boolean => {
      const match = found?.matches[0];
      if (!found || !match) return false;
      setCurrent({ match, number: found.first });
      void to(match.offset);
      return true;
    },
    [to],
  );

  const run = useCallback(
    async (parts: readonly Part[]) => {
      const signal = begin();
      try {
        for (const part of parts) if (show(await ask(part, signal)) || signal.aborted) break;
        // What is shown is shown already; the count goes on.
        await ask({ after_offset: 2 ** 53, limit: 1 }, signal);
      } catch (wrong) {
        if (!signal.aborted) setProblem(wrong as Error);
      } finally {
        if (!signal.aborted) setBusy(false);
      }
    },
    [ask, show, begin],
  );

  useEffect(() => {
    setResult(undefined);
    setCurrent(undefined);
    setProblem(undefined);
    running.current.abort();
    setBusy(false);
    if (!active) return undefined;
    const timer = setTimeout(
      () =>
        void run([
          { after_offset: seenStart.current, limit: 1 },
          { after_offset: 0, limit: 1 },
        ]),
      TYPING,
    );
    return () => clearTimeout(timer);
  }, [active, run]);

  const { size } = session.document;
  useEffect(() => {
    if (!active || busy || !result || problem || result.size >= size) return undefined;
    const controller = new AbortController();
    const timer = setTimeout(() => {
      ask({ after_offset: 2 ** 53, limit: 1 }, controller.signal).catch(() => undefined);
    }, GROWING);
    return () => {
      clearTimeout(timer);
      controller.abort();
    };
  }, [active, busy, result, problem, size, ask]);

  const total = result?.total;
  useEffect(() => {
    if (!active || !total) {
      setMarks([]);
      return undefined;
    }
    const controller = new AbortController();
    const part = { after_offset: Math.max(0, start - 1), before_offset: end + 1, limit: ON_SCREEN };
    const timer = setTimeout(() => {
      search(source, query, part, controller.signal)
        .then((found) => !controller.signal.aborted && setMarks(found.matches))
        .catch(() => undefined);
    }, DRAWING);
    return () => {
      clearTimeout(timer);
      controller.abort();
    };
  }, [active, source, query, start, end, total]);

  const go = useCallback(
    (direction: 1 | -1) => {
      if (!active) return;
      const at = current?.match.offset;
      const next: Part[] = [
        { after_offset: at === undefined ? seenStart.current : at + 1, limit: 1 },
        { limit: 1 },
      ];
      const before: Part[] = [
        { before_offset: at ?? seenStart.current, limit: 1, last: true },
        { limit: 1, last: true },
      ];
      void run(direction > 0 ? next : before);
    },
    [active, current, run],
  );

  const shown = marks.map((one) => ({
    start: one.offset,
    end: one.offset + one.length,
    current: one.offset === current?.match.offset,
  }));
  return {
    query,
    setQuery,
    total,
    complete: result?.complete ?? false,
    busy,
    problem,
    current: current?.match,
    number: current?.number ?? 0,
    go,
    marks: shown.length ? shown : NONE,
  };
}
