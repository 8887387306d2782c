/**
 * Settings, inside: how one setting is read, and the kinds of settings there are.
 */

/** How one setting is read. */
export interface SettingDefinition<T> {
  /** Name of the environment variable. */
  readonly name: string;
  readonly fallback: T;
  /** What the value must be, in words that follow "expected". */
  readonly expected: string;
  readonly meaning: string;
  /** Whether the value must not be shown. */
  readonly secret: boolean;
  /** The value in a text; `undefined` when it is not one. */
  readonly parse: (text: string) => T | undefined;
  /** What a text that is not one should have been, closer than `expected`; never holds any of a secret. */
  readonly explain?: (text: string) => string | undefined;
  /** Whether a value given by code is one. */
  readonly accepts: (value: unknown) => boolean;
}

/** A whole number within bounds. */
export function whole(
  name: string,
  fallback: number,
  min: number,
  max: number,
  meaning: string,
): SettingDefinition<number> {
  const accepts = (value: unknown): boolean => Number.isInteger(value) && Number(value) >= min && Number(value) <= max;
  return {
    name,
    fallback,
    meaning,
    secret: false,
    expected: `a whole number from ${min} to ${max}`,
    accepts,
    parse: (text) => (/^\d+$/.test(text) && accepts(Number(text)) ? Number(text) : undefined),
  };
}

/** A number from 0 to `max`. */
export function amount(
  name: string,
  fallback: number,
  meaning: string,
  max: number = 1_000_000,
): SettingDefinition<number> {
  const accepts = (value: unknown): boolean => typeof value === "number" && value >= 0 && value <= max;
  return {
    name,
    fallback,
    meaning,
    secret: false,
    expected: `a number from 0 to ${max}`,
    accepts,
    parse: (text) => (/^\d+(\.\d+)?$/.test(text) && accepts(Number(text)) ? Number(text) : undefined),
  };
}

/** True or false. */
export function flag(name: string, fallback: boolean, meaning: string): SettingDefinition<boolean> {
  return {
    name,
    fallback,
    meaning,
    secret: false,
    expected: "true or false",
    accepts: (value) => typeof value === "boolean",
    parse: (text) => (/^true$/i.test(text) ? true : /^false$/i.test(text) ? false : undefined),
  };
}

/** A text that is not empty. */
export function required(name: string, fallback: string, meaning: string): SettingDefinition<string> {
  const accepts = (value: unknown): boolean => typeof value === "string" && value !== "";
  return { name, fallback, meaning, secret: false, expected: "a text", accepts, parse: (value) => value };
}

/** A text that may be absent; `secret`: it is never shown. */
export function optional(
  name: string,
  expected: string,
  meaning: string,
  isValid: (value: string) => boolean = () => true,
  secret = false,
): SettingDefinition<string | undefined> {
  return {
    name,
    fallback: undefined,
    meaning,
    secret,
    expected,
    accepts: (value) => value === undefined || (typeof value === "string" && isValid(value)),
    parse: (value) => (isValid(value) ? value : undefined),
  };
}

/** Tells addresses with one of these protocols, each with its colon. */
export function urlWith(...protocols: string[]): (value: string) => boolean {
  return (value) => URL.canParse(value) && protocols.includes(new URL(value).protocol);
}

/** A list of web origins, or `*` for any. */
export function origins(name: string, meaning: string): SettingDefinition<readonly string[]> {
  const isOrigin = (text: unknown): boolean =>
    typeof text === "string" && (text === "*" || (urlWith("https:", "http:")(text) && new URL(text).origin === text));
  const accepts = (value: unknown): boolean => Array.isArray(value) && value.every(isOrigin);
  return {
    name,
    fallback: [],
    meaning,
    secret: false,
    expected: "origins such as https://app.example.com, separated by commas, without a path, or *",
    accepts,
    parse: (text) => {
      const list = text.split(",").map((origin) => origin.trim());
      return accepts(list) ? list : undefined;
    },
  };
}

/** A port that may be absent; 0 takes any free one. */
export function optionalPort(name: string, meaning: string): SettingDefinition<number | undefined> {
  const { accepts, parse, ...rest } = whole(name, 0, 0, 65_535, meaning);
  return { ...rest, fallback: undefined, parse, accepts: (value) => value === undefined || accepts(value) };
}

/** A number from 0 to 1. */
export function share(name: string, fallback: number, meaning: string): SettingDefinition<number> {
  return amount(name, fallback, meaning, 1);
}
