/**
 * Worker: exponential histograms at the scale that the receiver keeps. A finer one says nothing that outlives its arrival, and
 * takes several times the bytes: the SDK starts at the finest and widens only as far as it must.
 */

/** The part of an exponential histogram point that changes with its scale: OpenTelemetry's data model, "Exponential Scale". */
export interface ExponentialBuckets {
  readonly scale: number;
  readonly positive: { readonly offset: number; readonly bucketCounts: readonly number[] };
}

/**
 * The same observations at `scale`, exactly: a bucket of the coarser scale is the union of whole buckets of the finer one.
 * What is no finer stays as it is. Observations are never negative here.
 */
export function coarserHistogram<T extends ExponentialBuckets>(histogram: T, scale: number): T {
  const shift = histogram.scale - scale;
  if (shift <= 0) return histogram;
  const { offset, bucketCounts } = histogram.positive;
  const first = offset >> shift;
  const length = bucketCounts.length === 0 ? 0 : ((offset + bucketCounts.length - 1) >> shift) - first + 1;
  const counts = Array.from<number>({ length }).fill(0);
  for (const [index, count] of bucketCounts.entries()) counts[((offset + index) >> shift) - first]! += count;
  return { ...histogram, scale, positive: { offset: first, bucketCounts: counts } };
}
