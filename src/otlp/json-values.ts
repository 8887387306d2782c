/** Single values of OTLP/JSON (the proto3 JSON mapping with OTLP's deviations). `undefined` means not such a value. */
import { NumberText } from "./parse-json.ts";

const DECIMAL = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d{1,4}))?$/;

/** More digits than any 64-bit number has, so that an exponent cannot make a huge one. */
const MAX_DIGITS = 40;

/** A whole number from `min` to `max`, given as a number or in quotes. */
export function wholeNumber(value: unknown, min: bigint, max: bigint): bigint | undefined {
  const whole = wholeOf(value);
  return whole !== undefined && whole >= min && whole <= max ? whole : undefined;
}

function wholeOf(value: unknown): bigint | undefined {
  if (typeof value === "number") return Number.isSafeInteger(value) ? BigInt(value) : undefined;
  if (value instanceof NumberText) return wholeOfText(value.digits);
  return typeof value === "string" ? wholeOfText(value) : undefined;
}

function wholeOfText(text: string): bigint | undefined {
  const match = DECIMAL.exec(text);
  if (match === null) return undefined;
  const [, sign, whole = "", fraction = "", exponent = "0"] = match;
  const digits = (whole + fraction).replace(/^0+(?=\d)/, "");
  const shift = Number(exponent) - fraction.length;
  if (/^0*$/.test(digits)) return 0n;
  if (digits.length + shift > MAX_DIGITS) return undefined;
  const shifted = shift >= 0 ? digits + "0".repeat(shift) : withoutZeros(digits, -shift);
  return shifted === undefined ? undefined : BigInt(sign + shifted);
}

/** The digits without their last `count`, which must all be zeros. */
function withoutZeros(digits: string, count: number): string | undefined {
  const kept = digits.slice(0, Math.max(0, digits.length - count));
  return /^0*$/.test(digits.slice(kept.length)) && kept !== "" ? kept : undefined;
}

/** A double: a number, or in quotes a number, "NaN", "Infinity" or "-Infinity". */
export function double(value: unknown): number | undefined {
  if (typeof value === "number") return value;
  if (value instanceof NumberText) return finite(value.digits);
  if (typeof value !== "string") return undefined;
  if (value === "NaN") return Number.NaN;
  if (value === "Infinity") return Number.POSITIVE_INFINITY;
  if (value === "-Infinity") return Number.NEGATIVE_INFINITY;
  return DECIMAL.test(value) ? finite(value) : undefined;
}

function finite(digits: string): number | undefined {
  const number = Number(digits);
  return Number.isFinite(number) ? number : undefined;
}

const BASE64 = /^[A-Za-z0-9+/_-]*={0,2}$/;

/** Bytes in base64, of either alphabet, padded or not. */
export function base64(value: unknown): Uint8Array | undefined {
  return typeof value === "string" && BASE64.test(value) ? Buffer.from(value, "base64") : undefined;
}
