/**
 * What a cell adds up: a sum, or one of two kinds of histogram. The values have the shape of the OpenTelemetry SDK's points,
 * without importing it.
 */

/** A histogram with fixed bounds. */
export interface ExplicitHistogramValue {
  readonly min: number;
  readonly max: number;
  readonly sum: number;
  readonly count: number;
  /** One count more than boundaries; a value equal to a boundary is in the bucket that ends there. */
  readonly buckets: { readonly boundaries: number[]; readonly counts: number[] };
}

/** Counts of the buckets from index `offset` on. */
export interface ExponentialBuckets {
  readonly offset: number;
  readonly bucketCounts: number[];
}

/** A base-2 exponential histogram. */
export interface ExponentialHistogramValue {
  readonly min: number;
  readonly max: number;
  readonly sum: number;
  readonly count: number;
  readonly zeroCount: number;
  readonly scale: number;
  readonly positive: ExponentialBuckets;
  readonly negative: ExponentialBuckets;
}

/** Adds up whole, non-negative numbers that are safe integers. */
export interface Aggregate<Value> {
  /** Adds one measurement. */
  record(bytes: number): void;
  /** What was added up since the last {@link reset}; a copy. */
  value(): Value;
  /** Begins again. */
  reset(): void;
}

/** The value of a counter. */
export class ByteSum implements Aggregate<number> {
  #sum = 0;

  /** Adds to the sum. */
  record(bytes: number): void {
    this.#sum += bytes;
  }

  /** The sum. */
  value(): number {
    return this.#sum;
  }

  /** Back to 0. */
  reset(): void {
    this.#sum = 0;
  }
}
