/**
 * Parses the text of an OTLP/JSON body: nesting is bounded before anything recursive sees it, and numbers that a double
 * would round keep their digits.
 */

/** Levels of objects and arrays; the deepest value that the walk allows takes about half of them. */
export const MAX_JSON_DEPTH = 100;

/** A number whose digits matter: whole numbers beyond 2^53 and numbers with an exponent. */
export class NumberText {
  /** The number as it is written in the body. */
  readonly digits: string;

  constructor(digits: string) {
    this.digits = digits;
  }
}

/** Thrown inside the mapping of a body; it never leaves the function that began it. */
export class MalformedJson extends Error {}

/** Numbers with at least 16 digits before the point, or with an exponent, that are not in quotes. */
const MAY_BE_ROUNDED = /[:,[\s]-?(?:\d{16}|\d+(?:\.\d+)?[eE])/;

/**
 * The value of the body. Numbers are numbers, or {@link NumberText} where a double might not be exact. Throws
 * {@link MalformedJson}.
 */
export function parseJson(body: Uint8Array): unknown {
  checkDepth(body);
  const text = decodeText(body);
  try {
    return MAY_BE_ROUNDED.test(text) ? parseExactly(text) : JSON.parse(text);
  } catch (error) {
    throw new MalformedJson(error instanceof SyntaxError ? "the body is not JSON" : String(error));
  }
}

/** The reviver's third argument (source text access) is in Node 22 and later, and not yet in TypeScript's library. */
type SourceReviver = (key: string, value: unknown, context: { readonly source?: string }) => unknown;

function parseExactly(text: string): unknown {
  const reviver: SourceReviver = (_key, value, context) => {
    if (typeof value !== "number" || context.source === undefined) return value;
    return Number.isSafeInteger(value) && !/[.eE]/.test(context.source) ? value : new NumberText(context.source);
  };
  return JSON.parse(text, reviver as (key: string, value: unknown) => unknown);
}

function decodeText(body: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(body);
  } catch {
    throw new MalformedJson("the body is not UTF-8");
  }
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/** A pass over the bytes without a stack: brackets outside of strings. */
function checkDepth(body: Uint8Array): void {
  let depth = 0;
  let isInString = false;
  for (let position = 0; position < body.length; position += 1) {
    const byte = body[position]!;
    if (isInString) {
      if (byte === BACKSLASH) position += 1;
      else if (byte === QUOTE) isInString = false;
    } else if (byte === QUOTE) {
      isInString = true;
    } else if (byte === 0x7b || byte === 0x5b) {
      depth += 1;
      if (depth > MAX_JSON_DEPTH) throw new MalformedJson(`the body is nested deeper than ${MAX_JSON_DEPTH} levels`);
    } else if (byte === 0x7d || byte === 0x5d) {
      depth -= 1;
    }
  }
}
