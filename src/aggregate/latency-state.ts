/**
 * Fold, inside: the buckets of a cumulative histogram as last seen, and the step from one point to the next. What is added
 * to the accumulators is always exactly as many observations as the count grew by.
 */
import { LATENCY_SCALE } from "../model/latency-histogram.ts";
import type { MetricHeader } from "../model/metric-visitor.ts";
import { MAX_BUCKETS, readBuckets, readExplicitCounts } from "../model/point-buckets.ts";
import type { PointCursor } from "../model/point-cursor.ts";
import type { LatencyAccumulator } from "./latency-accumulator.ts";
import type { ExplicitBounds } from "./latency-parts.ts";

/** Cumulative explicit buckets. */
export interface ExplicitState {
  readonly kind: "explicit";
  readonly bounds: ExplicitBounds;
  readonly counts: Float64Array;
}

/** Cumulative exponential buckets at a scale of at most {@link LATENCY_SCALE}. */
export interface ExponentialState {
  readonly kind: "exponential";
  readonly scale: number;
  readonly zeroCount: number;
  /** The index of the first of {@link counts}. */
  readonly offset: number;
  readonly counts: Float64Array;
}

/** The buckets of one point or counter; `undefined` stands for a histogram without buckets. */
export type LatencyState = ExplicitState | ExponentialState;

/** Gives equal bounds of points the same object. */
export type BoundsOf = (point: PointCursor) => ExplicitBounds;

/** Counts of the point at hand: explicit buckets come with every point, and an array a point would be garbage a point. */
const current = new Float64Array(MAX_BUCKETS);
const step = new Float64Array(MAX_BUCKETS);

/**
 * Adds the observations of a cumulative or delta point since `before` to its row, if it counts, and returns the state to
 * keep: `before` itself, brought up to date, where it could be. `observations` is by how much the count grew (0: nothing is
 * added), `meanSeconds` where they are put when no buckets say better.
 */
export function foldLatency(
  header: MetricHeader,
  point: PointCursor,
  boundsOf: BoundsOf,
  before: LatencyState | undefined,
  observations: number,
  meanSeconds: number,
  row: LatencyAccumulator | undefined,
): LatencyState | undefined {
  if (
    header.kind !== "exponential_histogram" &&
    before?.kind === "explicit" &&
    point.bucketCountsEnd > point.bucketCountsStart
  ) {
    const bounds = boundsOf(point);
    if (bounds === before.bounds && stepInPlace(point, before, observations, row)) return before;
  }
  const now = latencyStateOf(header, point, boundsOf);
  if (row !== undefined && observations > 0) addLatencyStep(row, before, now, observations, meanSeconds);
  return now;
}

/** The usual case, without garbage: same bounds, and buckets that grew by just as many as the count did. */
function stepInPlace(
  point: PointCursor,
  before: ExplicitState,
  observations: number,
  row: LatencyAccumulator | undefined,
): boolean {
  const length = readExplicitCounts(point, current);
  const { counts, bounds } = before;
  if (length !== counts.length) return false;
  let sum = 0;
  for (let place = 0; place < length; place++) {
    const grown = current[place]! - counts[place]!;
    if (grown < 0) return false;
    step[place] = grown;
    sum += grown;
  }
  if (row !== undefined && observations > 0) {
    if (sum !== observations) return false;
    addTo(row.explicit(bounds), length);
  }
  for (let place = 0; place < length; place++) counts[place] = current[place]!;
  return true;
}

function addTo(target: Float64Array, length: number): void {
  for (let place = 0; place < length; place++) target[place] = target[place]! + step[place]!;
}

/** The buckets of a point in the form that is kept. */
export function latencyStateOf(header: MetricHeader, point: PointCursor, boundsOf: BoundsOf): LatencyState | undefined {
  const buckets = readBuckets(header, point);
  if (buckets.kind === "none") return undefined;
  if (buckets.kind === "explicit") {
    // Of its own: it lives as long as its stream, and would keep the chunk of rows that are gone in a minute.
    const counts = Float64Array.from(buckets.counts);
    return { kind: "explicit", bounds: boundsOf(point), counts };
  }
  const { scale, zeroCount, offset, counts } = buckets;
  return downscale({ kind: "exponential", scale, zeroCount, offset, counts }, Math.min(scale, LATENCY_SCALE));
}

/**
 * Adds to `target` the observations by which `now` exceeds `before`; `observations` is by how much the count grew, and
 * `meanSeconds` where they are put when no buckets say better.
 */
function addLatencyStep(
  target: LatencyAccumulator,
  before: LatencyState | undefined,
  now: LatencyState | undefined,
  observations: number,
  meanSeconds: number,
): void {
  if (now === undefined) {
    target.at(meanSeconds, observations);
  } else if (now.kind === "explicit") {
    const grown = stepOf(
      before?.kind === "explicit" && before.bounds === now.bounds ? before.counts : undefined,
      now.counts,
    );
    const counts = fitting(grown, now.counts, observations);
    addCounts(target.explicit(now.bounds), counts);
  } else {
    addExponentialStep(target, before?.kind === "exponential" ? before : undefined, now, observations);
  }
}

function addCounts(target: Float64Array, counts: Float64Array): void {
  for (let place = 0; place < counts.length; place++) target[place]! += counts[place]!;
}

function addExponentialStep(
  target: LatencyAccumulator,
  before: ExponentialState | undefined,
  now: ExponentialState,
  observations: number,
): void {
  const scale = Math.min(now.scale, before?.scale ?? now.scale);
  const state = downscale(now, scale);
  const counts = withZero(state);
  const grown = stepOf(before && alignedTo(state, downscale(before, scale)), counts);
  const fitted = fitting(grown, counts, observations);
  if (fitted[0]! > 0) target.zero(fitted[0]!);
  for (let place = 1; place < fitted.length; place++) {
    if (fitted[place]! > 0) target.exponential(scale, state.offset + place - 1, fitted[place]!);
  }
}

/** The zero count, then the buckets. */
function withZero(state: ExponentialState): Float64Array {
  const counts = new Float64Array(state.counts.length + 1);
  counts[0] = state.zeroCount;
  counts.set(state.counts, 1);
  return counts;
}

/** `before` in the places of `state`; `undefined` when it has counts where `state` has no place. */
function alignedTo(state: ExponentialState, before: ExponentialState): Float64Array | undefined {
  const aligned = new Float64Array(state.counts.length + 1);
  aligned[0] = before.zeroCount;
  for (let place = 0; place < before.counts.length; place++) {
    const count = before.counts[place]!;
    if (count === 0) continue;
    const target = before.offset + place - state.offset;
    if (target < 0 || target >= state.counts.length) return undefined;
    aligned[target + 1] = count;
  }
  return aligned;
}

/** `now` minus `before`, place by place; `undefined` when they cannot be compared or a place went down. */
function stepOf(before: Float64Array | undefined, now: Float64Array): Float64Array | undefined {
  if (before === undefined) return undefined;
  const grown = new Float64Array(now.length);
  for (let place = 0; place < now.length; place++) {
    const difference = now[place]! - before[place]!;
    if (difference < 0) return undefined;
    grown[place] = difference;
  }
  return grown;
}

/**
 * The step if it holds exactly `observations`, else `observations` shared out like the whole of `now`: after a change of
 * bounds or an inconsistent sender their number is still right and their places are the best guess.
 */
function fitting(grown: Float64Array | undefined, now: Float64Array, observations: number): Float64Array {
  if (grown !== undefined && total(grown) === observations) return grown;
  const all = total(now);
  if (all === observations) return now;
  const shares = new Float64Array(now.length);
  let seen = 0;
  let given = 0;
  for (let place = 0; place < now.length; place++) {
    seen += now[place]!;
    const through = all === 0 ? 0 : Math.floor((seen / all) * observations);
    shares[place] = through - given;
    given = through;
  }
  shares[now.length - 1]! += observations - given;
  return shares;
}

function total(counts: Float64Array): number {
  let sum = 0;
  for (const count of counts) sum += count;
  return sum;
}

/** Merges buckets until the scale is `scale`, which must not be above the state's: exact, by shifting indices. */
function downscale(state: ExponentialState, scale: number): ExponentialState {
  const shift = state.scale - scale;
  if (shift <= 0) return state;
  const divisor = 2 ** shift;
  const offset = Math.floor(state.offset / divisor);
  const last = Math.floor((state.offset + state.counts.length - 1) / divisor);
  const counts = new Float64Array(state.counts.length === 0 ? 0 : last - offset + 1);
  state.counts.forEach((count, place) => {
    counts[Math.floor((state.offset + place) / divisor) - offset]! += count;
  });
  return { kind: "exponential", scale, zeroCount: state.zeroCount, offset, counts };
}
