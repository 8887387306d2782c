/**
 * One data point as the walk over a request passes it: numbers read, attributes and buckets left as ranges of the body.
 * 64-bit integers are pairs of 32-bit halves, so they are exact without allocating.
 */

/** What value a number data point has. */
export type NumberValueKind = "none" | "int" | "double";

/** A data point of any kind; fields that its kind does not have keep their cleared values. Reused from point to point. */
export class PointCursor {
  /** The bytes that the ranges below refer to. */
  body: Uint8Array = new Uint8Array(0);
  /** The attributes: `KeyValue` fields with their tags and lengths, contiguous. Empty when there are none. */
  attributesStart = 0;
  attributesEnd = 0;
  /** `start_time_unix_nano`, unsigned halves. */
  startHigh = 0;
  startLow = 0;
  /** `time_unix_nano`, unsigned halves. */
  timeHigh = 0;
  timeLow = 0;
  /** `DataPointFlags`; bit 0 is NO_RECORDED_VALUE. */
  flags = 0;
  /** Which of `as_int` and `as_double` a number data point has. */
  valueKind: NumberValueKind = "none";
  /** `as_int`: signed high half, unsigned low half. */
  intHigh = 0;
  intLow = 0;
  /** `as_double`. */
  double = 0;
  /** `count` of a histogram, unsigned halves. */
  countHigh = 0;
  countLow = 0;
  /** Whether the histogram has a `sum`, and the sum. */
  hasSum = false;
  sum = 0;
  /** Explicit histogram: packed fixed64 `bucket_counts`, range in {@link bucketsBody}. */
  bucketCountsStart = 0;
  bucketCountsEnd = 0;
  /** Explicit histogram: packed double `explicit_bounds`, range in {@link boundsBody}. */
  boundsStart = 0;
  boundsEnd = 0;
  /** Exponential histogram. */
  scale = 0;
  zeroCountHigh = 0;
  zeroCountLow = 0;
  zeroThreshold = 0;
  /** Exponential histogram: offset of the first positive bucket and the packed varint counts, range in {@link bucketsBody}. */
  positiveOffset = 0;
  positiveStart = 0;
  positiveEnd = 0;
  /** Exponential histogram: whether any bucket of the negative range is counted. */
  hasNegative = false;
  /** The bytes that the bucket ranges refer to: the body, unless repeated fields had to be joined. */
  bucketsBody: Uint8Array = new Uint8Array(0);
  boundsBody: Uint8Array = new Uint8Array(0);
}
