/** A place in a log as the last part of an address: `#stdout.log:L120-L130@53210`, the number a byte offset. */

export const LOGS = ["stdout.log", "stderr.log", "system.log"] as const;
export type LogName = (typeof LOGS)[number];

export interface LineRange {
  /** The first and the last line, from 1. */
  from: number;
  to: number;
  /** Byte offset of the first one; without it, the number is looked up. */
  offset: number | undefined;
}

export interface Place {
  log: LogName;
  lines: LineRange | undefined;
}

export function formatPlace({ log, lines }: Place): string {
  if (!lines) return `#${log}`;
  const range = lines.to > lines.from ? `L${lines.from}-L${lines.to}` : `L${lines.from}`;
  return `#${log}:${range}${lines.offset === undefined ? "" : `@${lines.offset}`}`;
}

const PLACE = /^#?(stdout\.log|stderr\.log|system\.log)(?::L(\d{1,15})(?:-L(\d{1,15}))?(?:@(\d{1,15}))?)?$/;

export function parsePlace(hash: string): Place | undefined {
  const found = PLACE.exec(hash);
  const log = LOGS.find((one) => one === found?.[1]);
  if (!found || !log) return undefined;
  if (!found[2]) return { log, lines: undefined };
  const [one, other] = [Number(found[2]), Number(found[3] ?? found[2])];
  return {
    log,
    lines: {
      from: Math.max(1, Math.min(one, other)),
      to: Math.max(1, one, other),
      offset: found[4] === undefined ? undefined : Number(found[4]),
    },
  };
}
