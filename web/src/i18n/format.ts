/** Dates, durations, sizes and numbers in the user's form. */
import { language } from "./index";

const LOCALE = { en: undefined, zh: "zh-CN" } as const;

function locale(): string | undefined {
  return LOCALE[language()];
}

export function formatNumber(value: number, digits = 3): string {
  return new Intl.NumberFormat(locale(), { maximumSignificantDigits: Math.max(digits, 1) }).format(value);
}

/** Several names, one after the other. */
export function formatList(names: readonly string[]): string {
  return names.join(language() === "zh" ? "、" : ", ");
}

export function formatCount(value: number): string {
  return new Intl.NumberFormat(locale()).format(value);
}

/** A moment: the time alone if it is today, else with the date. */
export function formatMoment(moment: string | Date, now: Date = new Date()): string {
  const at = new Date(moment);
  const today = at.toDateString() === now.toDateString();
  return new Intl.DateTimeFormat(locale(), {
    ...(today ? {} : { dateStyle: "medium" as const }),
    timeStyle: "medium",
  }).format(at);
}

/** A moment by the clocks of a time zone, with its day of the week. */
export function formatInZone(moment: string, zone: string): string {
  return new Intl.DateTimeFormat(locale(), { dateStyle: "full", timeStyle: "short", timeZone: zone }).format(
    new Date(moment),
  );
}

/** The time of day alone, or with its day where several are shown. */
export function formatTick(moment: Date, withDay: boolean): string {
  return new Intl.DateTimeFormat(
    locale(),
    withDay
      ? { month: "numeric", day: "numeric", hour: "2-digit", minute: "2-digit" }
      : { timeStyle: "medium" },
  ).format(moment);
}

const BINARY = ["B", "KiB", "MiB", "GiB", "TiB"] as const;

export function formatBytes(bytes: number): string {
  const power = Math.min(Math.floor(Math.log2(Math.max(bytes, 1)) / 10), BINARY.length - 1);
  return `${formatNumber(bytes / 1024 ** power)} ${BINARY[power]}`;
}

/** `1:02:03`, `2:03`, `4.2 s` below ten seconds, `40 ms` below one; the same in every language. */
export function formatDuration(seconds: number): string {
  if (seconds < 1) return `${Math.round(seconds * 1_000)} ms`;
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const padded = String(rest).padStart(2, "0");
  return hours ? `${hours}:${String(minutes).padStart(2, "0")}:${padded}` : `${minutes}:${padded}`;
}

/** The time of day to the millisecond, `14:03:09.120`; the same in every language. */
export function formatClock(milliseconds: number): string {
  const at = new Date(milliseconds);
  const two = (value: number) => String(value).padStart(2, "0");
  const rest = String(at.getMilliseconds()).padStart(3, "0");
  return `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}.${rest}`;
}
