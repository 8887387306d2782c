/**
 * Fold, inside: durations that were gained, kept in the buckets they arrived in. Stored buckets are many times as many: they are
 * made only while someone reads them, row by row, so that a commit does not hold those of all rows at once.
 */
import {
  clampIndex,
  type LatencyCounts,
  type LatencyHistogram,
  latencyBound,
  LATENCY_SCALE,
  latencyIndex,
  MAX_BUCKET_COUNT,
  MAX_LATENCY_INDEX,
  MIN_LATENCY_INDEX,
} from "../model/latency-histogram.ts";
import type { ByteSequence } from "./byte-sequence.ts";

/** The bounds of an explicit histogram, one object for equal bounds so that they compare by identity. */
export interface ExplicitBounds {
  /** Upper bounds, strictly increasing, seconds. */
  readonly values: Float64Array;
  /** The packed doubles as they were on the wire. */
  readonly wire: ByteSequence;
  /** By bucket, made when it is first needed. */
  readonly spreads: BucketSpread[];
}

/** Observations in the buckets of {@link ExplicitBounds}: one more count than bounds. */
export interface ExplicitPart {
  readonly bounds: ExplicitBounds;
  readonly counts: Float64Array;
}

/** Where the observations of one explicit bucket go. */
export interface BucketSpread {
  /** The lowest of the stored buckets; the others follow it. */
  readonly lowest: number;
  /** By stored bucket: the part of the observations (0 to 1) that lies in it or below. */
  readonly parts: Float64Array;
}

/** Observations of one row or of many, read as stored buckets, lowest first. What it is made of must not change afterwards. */
export class LatencyParts implements LatencyCounts {
  readonly #explicit: readonly ExplicitPart[];
  readonly #stored: readonly LatencyHistogram[];

  /** Observations in explicit buckets, and observations that are already in stored ones. */
  constructor(explicit: readonly ExplicitPart[], stored: readonly LatencyHistogram[]) {
    this.#explicit = explicit;
    this.#stored = stored;
  }

  /** The observations of all of them. */
  static sum(all: readonly LatencyParts[]): LatencyParts {
    if (all.length === 1) return all[0]!;
    return new LatencyParts(
      all.flatMap((parts) => parts.#explicit),
      all.flatMap((parts) => parts.#stored),
    );
  }

  /** Calls `each` with every stored bucket, lowest first. It must not read other parts meanwhile. */
  forEach(each: (count: number, index: number) => void): void {
    if (inUse) throw new Error("latency parts are read one after the other");
    inUse = true;
    try {
      for (const part of this.#explicit) spreadAll(part);
      for (const histogram of this.#stored) histogram.forEach(addToPlace);
      const [source, end] = [places, last];
      for (let place = first; place <= end; place++) {
        const count = source[place]!;
        if (count > 0) each(Math.min(MAX_BUCKET_COUNT, count), place + MIN_LATENCY_INDEX);
      }
    } finally {
      places.fill(0, first, last + 1);
      first = places.length;
      last = -1;
      inUse = false;
    }
  }

  [Symbol.iterator](): Iterator<readonly [index: number, count: number]> {
    const pairs: [number, number][] = [];
    this.forEach((count, index) => pairs.push([index, count]));
    return pairs.values();
  }
}

/** A place for every stored bucket, all zero between two readings, and the range of those that are not. */
const places = new Float64Array(MAX_LATENCY_INDEX - MIN_LATENCY_INDEX + 1);
let first = places.length;
let last = -1;
let inUse = false;

function addToPlace(count: number, index: number): void {
  const place = index - MIN_LATENCY_INDEX;
  places[place] = places[place]! + count;
  widen(place, place);
}

function widen(from: number, to: number): void {
  if (from < first) first = from;
  if (to > last) last = to;
}

function spreadAll({ bounds, counts }: ExplicitPart): void {
  for (let bucket = 0; bucket < counts.length; bucket++)
    if (counts[bucket]! > 0) spread(bounds, bucket, counts[bucket]!);
}

/** Spreads the observations of one explicit bucket evenly between its bounds: highest first, few reach the lowest places. */
function spread(bounds: ExplicitBounds, bucket: number, count: number): void {
  const { lowest, parts } = (bounds.spreads[bucket] ??= spreadOf(bounds.values, bucket));
  const start = lowest - MIN_LATENCY_INDEX;
  const target = places;
  let at = parts.length - 1;
  for (let through = count; through > 0; at--) {
    const below = at === 0 ? 0 : Math.floor(count * parts[at - 1]! + 0.5);
    if (below === through) continue;
    target[start + at] = target[start + at]! + (through - below);
    through = below;
  }
  widen(start + at + 1, start + parts.length - 1);
}

function spreadOf(bounds: Float64Array, bucket: number): BucketSpread {
  const upper = bounds[bucket];
  if (upper === undefined) {
    // The last bucket has no upper bound: all that is known is that its values are above the last one.
    const highest = bounds[bounds.length - 1];
    const index = highest === undefined ? MIN_LATENCY_INDEX : clampIndex(latencyIndex(highest) + 1);
    return { lowest: index, parts: Float64Array.of(1) };
  }
  const lower = Math.max(0, bounds[bucket - 1] ?? 0);
  const highest = latencyIndex(upper);
  // Down to a 64th of the upper bound: of what is evenly spread, less lies below than one bucket can show.
  const lowest = Math.min(highest, Math.max(latencyIndex(lower) + 1, highest - 6 * 2 ** LATENCY_SCALE));
  const parts = Float64Array.from({ length: highest - lowest + 1 }, (_, at) => {
    const index = lowest + at;
    return index === highest ? 1 : Math.min(1, Math.max(0, (latencyBound(index + 1) - lower) / (upper - lower)));
  });
  return { lowest, parts };
}
