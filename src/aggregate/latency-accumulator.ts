/**
 * Fold, inside: collects the durations that a row (or the live view) gains, in the buckets they arrive in, and turns them
 * into stored buckets only when they are read, once a commit instead of once a point.
 */
import {
  addToBucket,
  clampIndex,
  latencyBound,
  LATENCY_SCALE,
  latencyIndex,
  mergeHistogram,
  MIN_LATENCY_INDEX,
  type LatencyHistogram,
} from "../model/latency-histogram.ts";

import type { ByteSequence } from "./byte-sequence.ts";
import { chunkedArray } from "./number-slab.ts";

/** The bounds of an explicit histogram, one object for equal bounds so that they compare by identity. */
export interface ExplicitBounds {
  /** Upper bounds, strictly increasing, seconds. */
  readonly values: Float64Array;
  /** The packed doubles as they were on the wire. */
  readonly wire: ByteSequence;
  /** By bucket, made when it is first needed. */
  readonly spreads: BucketSpread[];
}

/** At most this many places share the observations of one coarse bucket. */
const MAX_STRATA = 64;

/** Observations that were added and not yet taken. */
export class LatencyAccumulator {
  #bounds: ExplicitBounds | undefined;
  #counts: Float64Array | undefined;
  #buckets: LatencyHistogram | undefined;
  /** What {@link takeNews} has told of the counts at hand. */
  #told: Float64Array | undefined;
  /** What was added outside of the counts at hand since {@link takeNews}. */
  #news: LatencyHistogram | undefined;

  /** The counts to add to for these bounds: one more place than bounds. */
  explicit(bounds: ExplicitBounds): Float64Array {
    if (this.#counts !== undefined && this.#bounds === bounds) return this.#counts;
    this.#spreadExplicit();
    this.#bounds = bounds;
    this.#counts = chunkedArray(bounds.values.length + 1);
    return this.#counts;
  }

  /** Adds `count` observations of exponential bucket `index` at `scale` (at most {@link LATENCY_SCALE}). */
  exponential(scale: number, index: number, count: number): void {
    const width = 2 ** (LATENCY_SCALE - scale);
    if (width === 1) {
      this.#addBucket(clampIndex(index), count);
      return;
    }
    const strata = Math.min(width, MAX_STRATA, count);
    forEachStratum(count, strata, (share, part) => {
      this.#addBucket(clampIndex(index * width + Math.floor(width * part)), share);
    });
  }

  /** Adds observations whose place is known only as a value, seconds. */
  at(seconds: number, count: number): void {
    this.#addBucket(latencyIndex(seconds), count);
  }

  /** Adds observations of zero. */
  zero(count: number): void {
    this.#addBucket(MIN_LATENCY_INDEX, count);
  }

  #addBucket(index: number, count: number): void {
    addToBucket((this.#buckets ??= new Map()), index, count);
    addToBucket((this.#news ??= new Map()), index, count);
  }

  /** What was added since the last call, in stored buckets, added to `target`; nothing is taken away. */
  takeNews(target: LatencyHistogram): void {
    if (this.#news) mergeHistogram(target, this.#news);
    this.#news = undefined;
    this.#tellCounts(target);
  }

  /** What was added, in stored buckets; the accumulator is empty afterwards. */
  take(): LatencyHistogram {
    this.#spreadExplicit();
    const taken = this.#buckets ?? new Map<number, number>();
    this.#buckets = undefined;
    this.#news = undefined;
    return taken;
  }

  /** Tells of the counts at hand what was not told before. */
  #tellCounts(target: LatencyHistogram): void {
    const [bounds, counts, told] = [this.#bounds, this.#counts, this.#told];
    if (!bounds || !counts) return;
    for (let place = 0; place < counts.length; place++) {
      const count = counts[place]! - (told === undefined ? 0 : told[place]!);
      if (count > 0) spread(target, bounds, place, count);
    }
    this.#told = counts.slice();
  }

  #spreadExplicit(): void {
    const [bounds, counts] = [this.#bounds, this.#counts];
    if (!bounds || !counts) return;
    this.#tellCounts((this.#news ??= new Map()));
    this.#bounds = undefined;
    this.#counts = undefined;
    this.#told = undefined;
    const buckets = (this.#buckets ??= new Map());
    counts.forEach((count, place) => {
      if (count > 0) spread(buckets, bounds, place, count);
    });
  }
}

/** Spreads the observations of one explicit bucket evenly between its bounds. */
function spread(buckets: LatencyHistogram, bounds: ExplicitBounds, place: number, count: number): void {
  const { indices, parts } = (bounds.spreads[place] ??= spreadOf(bounds.values, place));
  let given = 0;
  for (let at = 0; at < indices.length; at++) {
    const through = Math.round(count * parts[at]!);
    if (through > given) addToBucket(buckets, indices[at]!, through - given);
    given = through;
  }
}

/** Where the observations of one explicit bucket go. */
export interface BucketSpread {
  /** Stored buckets, lowest first. */
  readonly indices: Int32Array;
  /** The part of the observations (0 to 1) that lies in them or below. */
  readonly parts: Float64Array;
}

function spreadOf(bounds: Float64Array, place: number): BucketSpread {
  const upper = bounds[place];
  if (upper === undefined) {
    // The last bucket has no upper bound: all that is known is that its values are above the last one.
    const last = bounds[bounds.length - 1];
    const index = last === undefined ? MIN_LATENCY_INDEX : clampIndex(latencyIndex(last) + 1);
    return { indices: Int32Array.of(index), parts: Float64Array.of(1) };
  }
  const lower = Math.max(0, bounds[place - 1] ?? 0);
  const highest = latencyIndex(upper);
  // Down to a 64th of the upper bound: of what is evenly spread, less lies below than one bucket can show.
  const lowest = Math.min(highest, Math.max(latencyIndex(lower) + 1, highest - 6 * 2 ** LATENCY_SCALE));
  const indices = Int32Array.from({ length: highest - lowest + 1 }, (_, at) => lowest + at);
  const parts = Float64Array.from(indices, (index) =>
    index === highest ? 1 : Math.min(1, Math.max(0, (latencyBound(index + 1) - lower) / (upper - lower))),
  );
  return { indices, parts };
}

/** Splits `count` into `strata` whole shares that differ by one at most, with the middle of each share's part (0 to 1). */
function forEachStratum(count: number, strata: number, each: (share: number, part: number) => void): void {
  let before = 0;
  for (let stratum = 1; stratum <= strata; stratum++) {
    const through = Math.floor((stratum * count) / strata);
    each(through - before, (stratum - 0.5) / strata);
    before = through;
  }
}
