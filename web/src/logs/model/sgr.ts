/** What a terminal's colour codes (SGR, ECMA-48 8.3.117) make of the text behind them. */

/** A number of the 256 colours, or `#rrggbb`. */
export type Colour = number | string;

export interface Style {
  readonly fg?: Colour;
  readonly bg?: Colour;
  readonly bold?: true;
  readonly dim?: true;
  readonly italic?: true;
  readonly underline?: true;
  readonly inverse?: true;
  readonly strike?: true;
}

export const PLAIN: Style = {};

const ON: Record<number, Style> = {
  1: { bold: true },
  2: { dim: true },
  3: { italic: true },
  4: { underline: true },
  7: { inverse: true },
  9: { strike: true },
  21: { underline: true },
};
const OFF: Record<number, readonly (keyof Style)[]> = {
  22: ["bold", "dim"],
  23: ["italic"],
  24: ["underline"],
  27: ["inverse"],
  29: ["strike"],
  39: ["fg"],
  49: ["bg"],
};

function without(style: Style, keys: readonly (keyof Style)[]): Style {
  const left = { ...style };
  for (const key of keys) delete left[key];
  return left;
}

/** The style behind a code with these parameters, as `1;38;5;208` or `38:2::255:0:0`. */
export function applied(style: Style, parameters: string): Style {
  const parts = parameters.split(";");
  let now = style;
  for (let at = 0; at < parts.length; at += 1) {
    const sub = (parts[at] ?? "").split(":");
    const code = Number(sub[0] || 0);
    if (code === 38 || code === 48) {
      const extended = sub.length > 1 ? sub.slice(1) : parts.slice(at + 1);
      const [colour, used] = extendedColour(extended, sub.length > 1);
      if (colour !== undefined) now = { ...now, [code === 38 ? "fg" : "bg"]: colour };
      if (sub.length === 1) at += used;
    } else {
      now = code === 4 && sub[1] === "0" ? without(now, ["underline"]) : simple(now, code);
    }
  }
  return now;
}

function simple(style: Style, code: number): Style {
  if (code === 0) return PLAIN;
  const off = OFF[code];
  if (off) return without(style, off);
  if (code >= 30 && code <= 37) return { ...style, fg: code - 30 };
  if (code >= 40 && code <= 47) return { ...style, bg: code - 40 };
  if (code >= 90 && code <= 97) return { ...style, fg: code - 82 };
  if (code >= 100 && code <= 107) return { ...style, bg: code - 92 };
  return { ...style, ...ON[code] };
}

/** The colour that `5;n` or `2;r;g;b` names, and how many parameters that took. */
function extendedColour(rest: readonly string[], colons: boolean): [Colour | undefined, number] {
  const kind = Number(rest[0]);
  if (kind === 5) {
    const number = Number(rest[1] || 0);
    return [number <= 255 ? number : undefined, 2];
  }
  if (kind === 2) {
    // With colons, a colour space may stand before the three.
    const from = colons && rest.length > 4 ? 2 : 1;
    const rgb = [0, 1, 2].map((index) => Number(rest[from + index] || 0));
    const valid = rgb.every((one) => one <= 255);
    return [valid ? `#${rgb.map((one) => one.toString(16).padStart(2, "0")).join("")}` : undefined, 4];
  }
  return [undefined, 1];
}

const LEVELS = [0, 95, 135, 175, 215, 255];

function rgb(colour: Colour): readonly number[] {
  if (typeof colour === "string") {
    return [1, 3, 5].map((at) => Number.parseInt(colour.slice(at, at + 2), 16));
  }
  if (colour >= 232) return Array<number>(3).fill(8 + (colour - 232) * 10);
  return [36, 6, 1].map((divisor) => LEVELS[Math.floor((colour - 16) / divisor) % 6] ?? 0);
}

/** A colour for CSS. The first 16 are the theme's. */
export function cssColour(colour: Colour): string {
  if (typeof colour === "string") return colour;
  return colour < 16 ? `var(--ansi-${colour})` : `rgb(${rgb(colour).join(" ")})`;
}

/** The colour of text on the theme's own ground: a shade that could not be read there is made lighter or darker. */
export function inkColour(colour: Colour): string {
  const css = cssColour(colour);
  if (typeof colour === "number" && colour < 16) return css;
  return `oklch(from ${css} clamp(var(--log-darkest), l, var(--log-lightest)) c h)`;
}

/** What can be read on a background for which no ink was chosen. */
export function inkOn(background: Colour): string {
  if (typeof background === "number" && background < 16) return "var(--surface)";
  const [red = 0, green = 0, blue = 0] = rgb(background);
  return red * 0.299 + green * 0.587 + blue * 0.114 > 140 ? "#000" : "#fff";
}
