/**
 * Durations as they are stored: exponential buckets of scale 5 (OpenTelemetry metrics data model), sparse, mergeable by
 * adding. Percentiles are computed when read, never stored.
 */

/** Bucket i holds values in (2^(i/32), 2^((i+1)/32)] seconds: 2.2 % wide. */
export const LATENCY_SCALE = 5;

const BUCKETS_PER_OCTAVE = 2 ** LATENCY_SCALE;

/** The lowest bucket kept (2^-32 s); zeros and everything below are counted in it. */
export const MIN_LATENCY_INDEX = -1024;

/** The highest bucket kept (2^32 s); everything above is counted in it. */
export const MAX_LATENCY_INDEX = 1023;

/** Counts by bucket index. Counts are whole and not negative. */
export type LatencyHistogram = Map<number, number>;

/** Counts by bucket index, to be read: a {@link LatencyHistogram} is one. */
export interface LatencyCounts extends Iterable<readonly [index: number, count: number]> {
  /** Calls `each` with every bucket that counts anything. */
  forEach(each: (count: number, index: number) => void): void;
}

/** The JSON form in SQL: `[[index, count], …]`, sorted by index, no zero counts. */
export type LatencyHistogramJson = readonly (readonly [number, number])[];

/** The bucket that holds a value in seconds; values that are not positive belong to the lowest bucket. */
export function latencyIndex(seconds: number): number {
  if (!(seconds > 0)) return MIN_LATENCY_INDEX;
  let index = Math.ceil(Math.log2(seconds) * BUCKETS_PER_OCTAVE) - 1;
  // log2 rounds: a value that lies exactly on a bound must be in the bucket below it.
  if (seconds <= latencyBound(index)) index -= 1;
  else if (seconds > latencyBound(index + 1)) index += 1;
  return clampIndex(index);
}

/** The exclusive lower bound of a bucket, seconds. */
export function latencyBound(index: number): number {
  return 2 ** (index / BUCKETS_PER_OCTAVE);
}

/** Keeps an index within what is stored. */
export function clampIndex(index: number): number {
  return Math.max(MIN_LATENCY_INDEX, Math.min(MAX_LATENCY_INDEX, index));
}

/** The most a bucket counts: what is beyond it no percentile could show, and JSON could not hold exactly. */
export const MAX_BUCKET_COUNT: number = Number.MAX_SAFE_INTEGER;

/** Adds `count` to a bucket, which stays at {@link MAX_BUCKET_COUNT} once it is there. */
export function addToBucket(histogram: LatencyHistogram, index: number, count: number): void {
  if (count !== 0) histogram.set(index, Math.min(MAX_BUCKET_COUNT, (histogram.get(index) ?? 0) + count));
}

/** Adds every bucket of `source` to `target`. */
export function mergeHistogram(target: LatencyHistogram, source: LatencyCounts | LatencyHistogramJson): void {
  // Iterating a map's entries allocates a pair each; forEach does not.
  if (isJson(source)) for (const [index, count] of source) addToBucket(target, index, count);
  else source.forEach((count, index) => addToBucket(target, index, count));
}

function isJson(source: LatencyCounts | LatencyHistogramJson): source is LatencyHistogramJson {
  return Array.isArray(source);
}

/**
 * The value below which `quantile` (0 to 1) of the observations lie, seconds: the geometric midpoint of the bucket that
 * holds it. `undefined` when there is no observation.
 */
export function percentile(histogram: LatencyHistogramJson | LatencyHistogram, quantile: number): number | undefined {
  const buckets = [...histogram].sort((a, b) => a[0] - b[0]);
  let total = 0;
  for (const [, count] of buckets) total += count;
  if (total === 0) return undefined;
  const rank = Math.max(1, Math.ceil(quantile * total));
  let seen = 0;
  for (const [index, count] of buckets) {
    seen += count;
    if (seen >= rank) return index === MIN_LATENCY_INDEX ? 0 : latencyBound(index + 0.5);
  }
  return undefined;
}

/** The stored form of a histogram. */
export function histogramToJson(histogram: LatencyHistogram): string {
  if (histogram.size === 0) return "[]";
  const indices = Int32Array.from(histogram.keys()).sort();
  let json = "";
  for (const index of indices) {
    const count = histogram.get(index)!;
    if (count !== 0) json += `${json === "" ? "" : ","}[${index},${count}]`;
  }
  return `[${json}]`;
}

/** Reads the stored form back. Throws on text that is not of that form: the row was not written by us. */
export function histogramFromJson(text: string): LatencyHistogram {
  return new Map(JSON.parse(text) as [number, number][]);
}
