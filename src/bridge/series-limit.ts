/**
 * Bridge: how many different series a participant sends, and how large they are. What the fold remembers of streams is shared
 * by all, and one page must not take it.
 */
import type { MetricHeader, MetricVisitor } from "../model/metric-visitor.ts";
import type { WalkMetrics } from "../model/metrics-walk.ts";
import type { PointCursor } from "../model/point-cursor.ts";
import { failure, type Result, success } from "../model/result.ts";
import { hashOf } from "./series-hash.ts";

const HOUR_MILLIS = 3_600_000;
/** Buckets of one point: as many as pages of this project keep. */
const MAX_BUCKETS = 640;

/** Counts the series of one participant, and the scopes that may be without any, anew every hour. */
export class SeriesLimit {
  readonly #maxSeries: number;
  readonly #walk: WalkMetrics;
  readonly #hashSeed: number;
  readonly #seen = new Set<number>();
  #sinceMillis = Number.NEGATIVE_INFINITY;

  /** `hashSeed`: see {@link hashOf}. */
  constructor(maxSeries: number, walk: WalkMetrics, hashSeed: number) {
    this.#maxSeries = maxSeries;
    this.#walk = walk;
    this.#hashSeed = hashSeed;
  }

  /**
   * Takes note of the series in an OTLP request, protobuf; one that starts anew is another. Failure `too_large` when there are
   * more than the limit or a histogram has too many buckets, and that of the walk when it is none. `nowMillis` never goes back.
   */
  check(body: Uint8Array, nowMillis: number): Result<void> {
    if (nowMillis - this.#sinceMillis >= HOUR_MILLIS) {
      this.#seen.clear();
      this.#sinceMillis = nowMillis;
    }
    const room = this.#maxSeries - this.#seen.size;
    const visitor = new SeriesVisitor(this.#seen, room, this.#hashSeed);
    const walked = this.#walk(body, visitor);
    if (walked.kind !== "success") return walked;
    if (visitor.mostBuckets > MAX_BUCKETS) return failure("too_large", `a point has more than ${MAX_BUCKETS} buckets`);
    if (visitor.fresh.size > room) {
      const reason = `there are more than ${this.#maxSeries} different series and scopes of this participant in an hour`;
      return failure("too_large", reason);
    }
    // Of what is refused nothing is remembered: series that are known stay welcome.
    for (const hash of visitor.fresh) this.#seen.add(hash);
    return success(undefined);
  }
}

/** Collects the hash of every series and scope that was not seen before, up to one more than there is room for. */
class SeriesVisitor implements MetricVisitor {
  readonly fresh: Set<number> = new Set();
  /** Buckets of the point that has most. */
  mostBuckets = 0;
  readonly #seen: ReadonlySet<number>;
  readonly #room: number;
  readonly #seed: number;
  readonly #startBytes = new Uint8Array(8);
  readonly #startView = new DataView(this.#startBytes.buffer);
  #resourceHash = 0;
  #scopeHash = 0;
  #metricHash = 0;

  constructor(seen: ReadonlySet<number>, room: number, seed: number) {
    this.#seen = seen;
    this.#room = room;
    this.#seed = seed;
  }

  resource(body: Uint8Array, start: number, end: number): void {
    this.#resourceHash = hashOf(body, start, end, this.#seed);
  }

  scope(body: Uint8Array, start: number, end: number): boolean {
    this.#scopeHash = hashOf(body, start, end, this.#resourceHash);
    this.#note(this.#scopeHash);
    return true;
  }

  metric({ name }: MetricHeader): boolean {
    const bytes = Buffer.from(name);
    this.#metricHash = hashOf(bytes, 0, bytes.length, this.#scopeHash);
    return true;
  }

  point(point: PointCursor): void {
    this.mostBuckets = Math.max(this.mostBuckets, bucketsOf(point));
    this.#startView.setUint32(0, point.startHigh);
    this.#startView.setUint32(4, point.startLow);
    const before = hashOf(this.#startBytes, 0, 8, this.#metricHash);
    this.#note(hashOf(point.body, point.attributesStart, point.attributesEnd, before));
  }

  skipped(): void {}

  #note(hash: number): void {
    if (this.fresh.size <= this.#room && !this.#seen.has(hash)) this.fresh.add(hash);
  }
}

/** How many buckets a point of whatever kind has. */
function bucketsOf({
  bucketsBody,
  bucketCountsStart,
  bucketCountsEnd,
  positiveStart,
  positiveEnd,
}: PointCursor): number {
  let buckets = (bucketCountsEnd - bucketCountsStart) / 8;
  // The last byte of a varint has its highest bit clear.
  for (let position = positiveStart; position < positiveEnd; position++)
    if (bucketsBody[position]! < 0x80) buckets += 1;
  return buckets;
}
