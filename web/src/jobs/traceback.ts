/** The last traceback in a log's text, and the last of its frames that is the user's own. */

export interface Frame {
  file: string;
  line: number;
  /** The function; `<module>` at the top. */
  where: string;
}

export interface Traceback {
  text: string;
  /** The line that says what went wrong. */
  summary: string;
  frames: Frame[];
}

const START = "Traceback (most recent call last):";
const FRAME = /^\s*(?:\| *)*File "([^"]+)", line (\d+)(?:, in (.+))?$/;
/** A worker's folder of one attempt, in which the script runs. */
const WORK = /^.*\/attempts\/[^/]+\/work\//;

/** Python's own, installed packages, and what never was a file. */
const FOREIGN = /(^<)|\/(site|dist)-packages\/|\/lib(64)?\/python\d/;

export function lastTraceback(log: string): Traceback | undefined {
  const lines = log.split("\n");
  const start = lines.findLastIndex((line) => line.trimStart().startsWith(START));
  if (start < 0) return undefined;
  const end = lines.findIndex((line, at) => at > start && isSummary(line));
  const found = lines.slice(start, end < 0 ? undefined : withDetails(lines, end));
  const frames = found.flatMap((line) => {
    const match = FRAME.exec(line);
    return match ? [{ file: shown(match[1] ?? ""), line: Number(match[2]), where: match[3] ?? "" }] : [];
  });
  const text = found.join("\n").replaceAll(/"[^"\n]*\/attempts\/[^/"\n]+\/work\//g, '"');
  return { text: text.trimEnd(), summary: end < 0 ? "" : (lines[end] ?? ""), frames };
}

/** The first line after the frames that is not indented. */
function isSummary(line: string): boolean {
  return line !== "" && !/^\s/.test(line) && !line.startsWith(START);
}

/** A message may have further lines; what stands behind a blank one belongs to something else. */
function withDetails(lines: readonly string[], end: number): number {
  const blank = lines.findIndex((line, at) => at > end && line.trim() === "");
  return Math.min(blank < 0 ? lines.length : blank, end + 20);
}

function shown(file: string): string {
  return file.replace(WORK, "");
}

export function isOwn({ file }: Frame): boolean {
  return !FOREIGN.test(file) && !file.startsWith("/");
}

export function lastOwnFrame({ frames }: Traceback): Frame | undefined {
  return frames.findLast(isOwn);
}
