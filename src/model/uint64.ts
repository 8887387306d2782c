/**
 * 64-bit unsigned integers as pairs of 32-bit halves: exact nanoseconds and counters without allocating a BigInt a point.
 */

const TWO_TO_32 = 0x1_0000_0000;

/** Negative, zero or positive as the first pair is below, equal to or above the second. */
export function comparePairs(highA: number, lowA: number, highB: number, lowB: number): number {
  return highA === highB ? lowA - lowB : highA - highB;
}

/** First minus second; exact when the true difference is below 2^53 in magnitude, else rounded as a double. */
export function pairDifference(highA: number, lowA: number, highB: number, lowB: number): number {
  return (highA - highB) * TWO_TO_32 + (lowA - lowB);
}

/** The pair as a number; exact below 2^53, else rounded as a double. */
export function pairToNumber(high: number, low: number): number {
  return high * TWO_TO_32 + low;
}

/** The high half of a whole, non-negative double below 2^64. */
export function highHalf(whole: number): number {
  return Math.floor(whole / TWO_TO_32);
}

/** The low half of a whole, non-negative double below 2^64. */
export function lowHalf(whole: number): number {
  return whole % TWO_TO_32;
}

/** Nanoseconds since the Unix epoch as milliseconds, rounded down; exact for every 64-bit value. */
export function nanosToMillis(high: number, low: number): number {
  // 2^32 = 4294 * 10^6 + 967296: no intermediate value passes 2^53.
  return high * 4294 + Math.floor((high * 967_296 + low) / 1e6);
}

/** Whole, non-negative milliseconds since the Unix epoch as nanoseconds, halves; exact. */
export function millisToNanos(millis: number): readonly [high: number, low: number] {
  const nanos = BigInt(millis) * 1_000_000n;
  return [Number(nanos >> 32n), Number(nanos & 0xffff_ffffn)];
}
