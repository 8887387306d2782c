/**
 * Fold, inside: the value of a point in the form its metric is counted in, and the difference of two.
 */
import type { MetricHeader } from "../model/metric-visitor.ts";
import type { MetricMeaning } from "../model/metric-meaning.ts";
import type { PointCursor } from "../model/point-cursor.ts";
import { highHalf, lowHalf, pairDifference, pairToNumber } from "../model/uint64.ts";
import type { Counter } from "./counter.ts";

/** A value read from a point; reused from point to point. */
export interface PointValue {
  /** Observations of a histogram, else 0. */
  count: number;
  /** Whole and millisecond values: halves of 64 bits. */
  high: number;
  low: number;
  /** `seconds` values. */
  seconds: number;
}

/** Reads the value of a point that admission accepted. */
export function readValue(header: MetricHeader, meaning: MetricMeaning, point: PointCursor, into: PointValue): void {
  const isSum = header.kind === "sum";
  into.count = isSum ? 0 : pairToNumber(point.countHigh, point.countLow);
  into.seconds = 0;
  if (isSum && point.valueKind === "int" && meaning.valueKind === "whole") {
    into.high = point.intHigh;
    into.low = point.intLow;
    return;
  }
  const double = isSum
    ? point.valueKind === "int"
      ? pairToNumber(point.intHigh, point.intLow)
      : point.double
    : point.sum;
  if (meaning.valueKind === "seconds") {
    into.high = 0;
    into.low = 0;
    into.seconds = double;
    return;
  }
  // Rounding the running value, not its steps, keeps the steps' sum equal to the whole.
  const whole = meaning.valueKind === "millis" ? Math.round(double * 1000) : double;
  into.high = highHalf(whole);
  into.low = lowHalf(whole);
}

/** How much the value grew since `before` (since zero when there is none), in the unit it is stored in. */
export function valueStep(meaning: MetricMeaning, now: PointValue, before: Counter | undefined): number {
  if (meaning.valueKind === "seconds") return now.seconds - (before?.seconds ?? 0);
  return pairDifference(now.high, now.low, before?.valueHigh ?? 0, before?.valueLow ?? 0);
}
