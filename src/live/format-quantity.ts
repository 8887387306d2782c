/** How figures of the live page are written: three significant digits, the prefix that fits, the unit apart from the number. Pure. */

/** A figure ready to be shown. */
export interface Quantity {
  readonly value: string;
  /** Empty for a plain number, and where there is no value. */
  readonly unit: string;
}

const NO_VALUE: Quantity = { value: "–", unit: "" };
const PREFIXES = ["", "k", "M", "G", "T", "P"];
const GROUPED = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
/** From here on events a second have a prefix, too. */
const MANY = 100_000;
const NO_BREAK_SPACE = "\u00a0";

/** Number and unit as one text that does not wrap between them. */
export function quantityText({ value, unit }: Quantity): string {
  return unit === "" ? value : `${value}${NO_BREAK_SPACE}${unit}`;
}

/** Bytes a second, with decimal prefixes: a GB is 10^9 bytes. */
export function formatBytesPerSecond(bytes: number): Quantity {
  return withPrefix(bytes, "B/s");
}

/** Events a second. */
export function formatPerSecond(events: number): Quantity {
  if (!Number.isFinite(events)) return NO_VALUE;
  if (events >= MANY) return withPrefix(events, "/s");
  return { value: events >= 1000 ? GROUPED.format(events) : threeDigits(events), unit: "/s" };
}

/** A number of things. */
export function formatCount(count: number): Quantity {
  return Number.isFinite(count) ? { value: GROUPED.format(count), unit: "" } : NO_VALUE;
}

/** A number of things on average. Less than one of them is not shown as nothing. */
export function formatAverage(average: number): Quantity {
  if (!Number.isFinite(average) || Number.isInteger(average) || average >= 10) return formatCount(average);
  return { value: average > 0 && average < 0.1 ? "<0.1" : average.toFixed(1), unit: "" };
}

/** A duration in milliseconds below a second, in seconds from there on. Null is no observation. */
export function formatSeconds(seconds: number | null): Quantity {
  if (seconds === null || !Number.isFinite(seconds)) return NO_VALUE;
  // What would be rounded to 1000 ms is a second.
  if (Number((seconds * 1000).toPrecision(3)) < 1000) return { value: threeDigits(seconds * 1000), unit: "ms" };
  return { value: seconds >= 1000 ? GROUPED.format(seconds) : threeDigits(seconds), unit: "s" };
}

/** A ratio in percent. What is there but too small to be seen is not shown as nothing. */
export function formatRatio(ratio: number | null): Quantity {
  if (ratio === null || !Number.isFinite(ratio)) return NO_VALUE;
  const percent = ratio * 100;
  if (percent > 0 && percent < 0.01) return { value: "<0.01", unit: "%" };
  return { value: threeDigits(percent), unit: "%" };
}

/** A price in the currency of the settings, whichever that is. */
export function formatPricePerHour(price: number): Quantity {
  if (!Number.isFinite(price)) return NO_VALUE;
  if (price > 0 && price < 0.01) return { value: "<0.01", unit: "/h" };
  return { value: price >= 1000 ? GROUPED.format(price) : price.toFixed(2), unit: "/h" };
}

/** How long ago, in words as short as they can be. */
export function formatAge(ageMillis: number): string {
  const seconds = Math.max(0, Math.round(ageMillis / 1000));
  if (seconds < 60) return `${seconds}${NO_BREAK_SPACE}s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes}${NO_BREAK_SPACE}min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return `${hours}${NO_BREAK_SPACE}h ${minutes % 60}${NO_BREAK_SPACE}min`;
  return `${Math.floor(hours / 24)}${NO_BREAK_SPACE}d ${hours % 24}${NO_BREAK_SPACE}h`;
}

function withPrefix(amount: number, unit: string): Quantity {
  if (!Number.isFinite(amount)) return NO_VALUE;
  let scaled = amount;
  let prefix = 0;
  // 999.6 would be rounded to 1000, which is 1.00 of the next prefix.
  while (Number(scaled.toPrecision(3)) >= 1000 && prefix < PREFIXES.length - 1) {
    scaled /= 1000;
    prefix += 1;
  }
  return { value: threeDigits(scaled), unit: `${PREFIXES[prefix]}${unit}` };
}

function threeDigits(amount: number): string {
  if (amount === 0) return "0";
  if (Math.abs(amount) < 0.01) return "<0.01";
  const rounded = Number(amount.toPrecision(3));
  const decimals = rounded >= 100 ? 0 : rounded >= 10 ? 1 : 2;
  return rounded.toFixed(decimals);
}
