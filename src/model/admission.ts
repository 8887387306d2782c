/**
 * Which points can ever be in the totals. The door refuses by these rules (`partial_success`), and the fold applies the
 * very same ones to what it reads from the log, so that both see the same points.
 */
import type { MetricHeader } from "./metric-visitor.ts";
import type { MetricMeaning } from "./metric-meaning.ts";
import type { PointCursor } from "./point-cursor.ts";
import { checkedBuckets } from "./point-buckets.ts";
import { comparePairs, nanosToMillis, pairToNumber } from "./uint64.ts";

/** Points older than this, against the receive time, are refused: 48 h, as long as minutes are kept. */
export const MAX_POINT_AGE_MILLIS: number = 48 * 3_600_000;

/** Points further ahead of the receive time than this are refused. */
export const MAX_POINT_LEAD_MILLIS: number = 5 * 60_000;

/** The largest increment that is credible, for any column. */
export const MAX_INCREMENT: number = 2 ** 50;

const NO_TIME = "a point has no time_unix_nano";
const STARTS_LATE = "a point starts after its own time";
const TOO_OLD = "a point is older than 48 h";
const TOO_EARLY = "a point is more than 5 min ahead of the receiver's clock";
const DELTA_TOO_OLD = "a delta point is older than METRICS_DELTA_MAX_AGE";
const TIME_REFUSALS: ReadonlySet<string> = new Set([NO_TIME, STARTS_LATE, TOO_OLD, TOO_EARLY, DELTA_TOO_OLD]);

/** Whether {@link refusePoint} gave this reason for the point's time; else it was for its value. */
export function isRefusedForTime(refusal: string): boolean {
  return TIME_REFUSALS.has(refusal);
}

/** What admission compares a point with. */
export interface AdmissionContext {
  /** Receive time, milliseconds since the Unix epoch. */
  readonly receivedAtMillis: number;
  /** `METRICS_DELTA_MAX_AGE`: delta points older than this cannot be told from repeated ones. */
  readonly deltaMaxAgeMillis: number;
  /** Whether a page sent it, over the bridge: its clock may be wrong, so the receive time is the time of its points. */
  readonly fromBridge: boolean;
}

/** Why no point of this metric can be counted, in words for its sender; `undefined` when they can. */
export function refuseMetric(header: MetricHeader, meaning: MetricMeaning, fromBridge: boolean): string | undefined {
  if (header.unit !== "" && header.unit !== meaning.unit) {
    return `${header.name} has unit ${printable(header.unit)}, expected ${meaning.unit}`;
  }
  const shape = header.kind === "exponential_histogram" ? "histogram" : header.kind === "sum" ? "counter" : header.kind;
  if (shape !== meaning.instrument) return `${header.name} is a ${header.kind}, expected a ${meaning.instrument}`;
  if (!header.monotonic) return `${header.name} is not monotonic`;
  if (header.temporality === "unspecified") return `${header.name} has no aggregation temporality`;
  return fromBridge ? refuseFromPage(header, meaning) : undefined;
}

/** Pages tell of their calls alone, and cumulatively: without a clock to trust, repeated deltas cannot be told. */
function refuseFromPage(header: MetricHeader, meaning: MetricMeaning): string | undefined {
  if (meaning.protocol !== "webrtc") return `${header.name} is not taken from a browser`;
  return header.temporality === "delta" ? `${header.name} from a browser must be cumulative` : undefined;
}

/** Why this point cannot be counted, in words for its sender; `undefined` when it can. */
export function refusePoint(
  header: MetricHeader,
  meaning: MetricMeaning,
  point: PointCursor,
  context: AdmissionContext,
): string | undefined {
  const time = context.fromBridge ? undefined : refuseTime(header, point, context);
  if (time !== undefined || (point.flags & 1) !== 0) return time;
  return header.kind === "sum" ? refuseNumber(header, meaning, point) : refuseHistogram(header, meaning, point);
}

function refuseTime(header: MetricHeader, point: PointCursor, context: AdmissionContext): string | undefined {
  if (point.timeHigh === 0 && point.timeLow === 0) return NO_TIME;
  if (comparePairs(point.startHigh, point.startLow, point.timeHigh, point.timeLow) > 0) {
    return STARTS_LATE;
  }
  const age = context.receivedAtMillis - nanosToMillis(point.timeHigh, point.timeLow);
  if (age > MAX_POINT_AGE_MILLIS) return TOO_OLD;
  if (age < -MAX_POINT_LEAD_MILLIS) return TOO_EARLY;
  if (header.temporality === "delta" && age > context.deltaMaxAgeMillis) {
    return DELTA_TOO_OLD;
  }
  return undefined;
}

function refuseNumber(header: MetricHeader, meaning: MetricMeaning, point: PointCursor): string | undefined {
  if (point.valueKind === "none") return `${header.name} has a point without a value`;
  if (point.valueKind === "int" && point.intHigh < 0) return `${header.name} has a negative value`;
  if (point.valueKind === "double") {
    const fault = refuseDouble(header, meaning, point.double);
    if (fault !== undefined) return fault;
  }
  const value = point.valueKind === "int" ? pairToNumber(point.intHigh, point.intLow) : point.double;
  if (meaning.valueKind !== "millis") return refuseDelta(header, value);
  if (value * 1000 > Number.MAX_SAFE_INTEGER) return `${header.name} has a value of 2^53 milliseconds or more`;
  return refuseDelta(header, value * 1000);
}

function refuseHistogram(header: MetricHeader, meaning: MetricMeaning, point: PointCursor): string | undefined {
  if (point.countHigh >= 0x20_0000) return `${header.name} has a count of 2^53 or more`;
  if (!point.hasSum && meaning.valueKind === "whole") return `${header.name} has a point without a sum`;
  if (point.hasSum) {
    const fault = refuseDouble(header, meaning, point.sum);
    if (fault !== undefined) return fault;
  }
  const buckets = checkedBuckets(header, point, meaning.keepsBuckets);
  if (buckets !== undefined) return `${header.name}: ${buckets}`;
  return refuseDelta(header, Math.max(point.sum, pairToNumber(point.countHigh, point.countLow)));
}

function refuseDouble(header: MetricHeader, meaning: MetricMeaning, value: number): string | undefined {
  if (!Number.isFinite(value)) return `${header.name} has a value that is not finite`;
  if (value < 0) return `${header.name} has a negative value`;
  if (value >= 2 ** 63) return `${header.name} has a value of 2^63 or more`;
  if (meaning.valueKind === "whole" && !Number.isInteger(value)) return `${header.name} has a fractional value`;
  return undefined;
}

function refuseDelta(header: MetricHeader, value: number): string | undefined {
  if (header.temporality !== "delta" || value <= MAX_INCREMENT) return undefined;
  return `${header.name} has an increment above 2^50, which is not credible`;
}

/** Text of foreign origin, short and without control characters. */
function printable(text: string): string {
  return JSON.stringify(text.slice(0, 64));
}
