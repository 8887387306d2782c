/**
 * Fold, inside: collects the durations that a row gains, in the buckets they arrive in, for its commit and, before that, for the
 * live view.
 */
import {
  addToBucket,
  clampIndex,
  LATENCY_SCALE,
  latencyIndex,
  mergeHistogram,
  MIN_LATENCY_INDEX,
  type LatencyHistogram,
} from "../model/latency-histogram.ts";
import { type ExplicitBounds, type ExplicitPart, LatencyParts } from "./latency-parts.ts";
import { chunkedArray } from "./number-slab.ts";

/** At most this many places share the observations of one coarse bucket. */
const MAX_STRATA = 64;

/** Observations that were added and not yet taken. */
export class LatencyAccumulator {
  #explicit: ExplicitPart | undefined;
  #buckets: LatencyHistogram | undefined;
  /** What {@link takeNews} has told of the counts at hand. */
  #told: Float64Array | undefined;
  /** What was added outside of the counts at hand since {@link takeNews}. */
  #news: LatencyHistogram | undefined;

  /** The counts to add to for these bounds: one more place than bounds. */
  explicit(bounds: ExplicitBounds): Float64Array {
    if (this.#explicit?.bounds === bounds) return this.#explicit.counts;
    // One part is kept as it came: a sender of ever other bounds must not make this grow.
    this.#store();
    this.#explicit = { bounds, counts: chunkedArray(bounds.values.length + 1) };
    return this.#explicit.counts;
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

  /** What was added since the last call; undefined when that is nothing. Nothing is taken away. */
  takeNews(): LatencyParts | undefined {
    const news = this.#news;
    this.#news = undefined;
    const explicit = this.#tellExplicit();
    if (explicit === undefined && news === undefined) return undefined;
    return new LatencyParts(explicit ? [explicit] : [], news ? [news] : []);
  }

  /** What was added; the accumulator is empty afterwards. */
  take(): LatencyParts {
    const taken = new LatencyParts(this.#explicit ? [this.#explicit] : [], this.#buckets ? [this.#buckets] : []);
    this.#explicit = undefined;
    this.#told = undefined;
    this.#buckets = undefined;
    this.#news = undefined;
    return taken;
  }

  /** Of the counts at hand what was not told before. */
  #tellExplicit(): ExplicitPart | undefined {
    if (this.#explicit === undefined) return undefined;
    const { bounds, counts } = this.#explicit;
    const told = (this.#told ??= chunkedArray(counts.length));
    let news: Float64Array | undefined;
    for (let place = 0; place < counts.length; place++) {
      const count = counts[place]! - told[place]!;
      if (count === 0) continue;
      news ??= chunkedArray(counts.length);
      news[place] = count;
      told[place] = counts[place]!;
    }
    return news && { bounds, counts: news };
  }

  /** Puts the counts at hand into stored buckets. */
  #store(): void {
    if (this.#explicit === undefined) return;
    const untold = this.#tellExplicit();
    if (untold) mergeHistogram((this.#news ??= new Map()), new LatencyParts([untold], []));
    mergeHistogram((this.#buckets ??= new Map()), new LatencyParts([this.#explicit], []));
    this.#explicit = undefined;
    this.#told = undefined;
  }
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
