/** Values that look like a password or key and so had better be stored as a secret. */

const TELLING_NAME =
  /(^|_)(TOKEN|SECRET|PASSWORD|PASSWD|PWD|APIKEY|API_KEY|ACCESS_KEY|PRIVATE_KEY|CREDENTIALS?|AUTH)($|_)/;
/** How keys of well-known services begin. */
const TELLING_VALUE =
  /^(sk-|ghp_|gho_|github_pat_|glpat-|hf_|xox[abprs]-|AKIA[0-9A-Z]{12}|AKID|eyJ[A-Za-z0-9_-]{10,}\.|-----BEGIN [A-Z ]*PRIVATE KEY|ty_)/;
const HARMLESS = /^(|true|false|yes|no|on|off|none|\d{1,6})$/i;

export function looksSecret(name: string, value: string): boolean {
  if (value.includes("${") || HARMLESS.test(value)) return false;
  return TELLING_VALUE.test(value) || TELLING_NAME.test(name) || isRandom(value);
}

/** Long, without a word's or a path's shape, and of nearly as many bits as it could have. */
function isRandom(value: string): boolean {
  if (value.length < 24 || !/^[A-Za-z0-9+=_-]+$/.test(value) || !/\d/.test(value) || !/[A-Za-z]/.test(value))
    return false;
  const counts = new Map<string, number>();
  for (const char of value) counts.set(char, (counts.get(char) ?? 0) + 1);
  let bits = 0;
  for (const count of counts.values()) bits -= (count / value.length) * Math.log2(count / value.length);
  return bits > 3.7;
}

/** A secret in a command line. */
export interface Found {
  /** The option's name, or how the value begins. */
  said: string;
  /** What an environment variable with it would be called. */
  name: string;
  value: string;
  /** The numbers of the words that it takes up. */
  words: readonly number[];
}

/** `--token abc`, `--api-key=abc` and keys by themselves among a command line's words. */
export function secretsInWords(words: readonly string[]): Found[] {
  const found: Found[] = [];
  for (let at = 0; at < words.length; at++) {
    const one = secretAt(words, at);
    if (!one) continue;
    found.push(one);
    at += one.words.length - 1;
  }
  return found;
}

function secretAt(words: readonly string[], at: number): Found | undefined {
  const word = words[at] ?? "";
  if (!word.startsWith("--"))
    return TELLING_VALUE.test(word)
      ? { said: `${word.slice(0, 6)}…`, name: "TOKEN", value: word, words: [at] }
      : undefined;
  const [option = "", own] = word.split(/=(.*)/s);
  const name = option.slice(2).toUpperCase().replaceAll("-", "_");
  const value = own ?? givenTo(words[at + 1]);
  if (!value || !looksSecret(name, value)) return undefined;
  const taken = own === undefined ? [at, at + 1] : [at];
  return { said: option, name: isVariableName(name) ? name : "TOKEN", value, words: taken };
}

const givenTo = (word: string | undefined) => (word?.startsWith("-") ? undefined : word);

const NAME = /^[A-Z_][A-Z0-9_]{0,63}$/;

export function isVariableName(name: string): boolean {
  return NAME.test(name);
}
