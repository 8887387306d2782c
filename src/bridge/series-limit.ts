/**
 * Bridge: how many different series a participant sends. What the fold remembers of streams is shared by all, and one
 * page must not take it.
 */
import type { MetricHeader, MetricVisitor } from "../model/metric-visitor.ts";
import type { WalkMetrics } from "../model/metrics-walk.ts";
import type { PointCursor } from "../model/point-cursor.ts";
import { failure, type Result, success } from "../model/result.ts";

const HOUR_MILLIS = 3_600_000;

/** Counts the series of one participant, anew every hour. */
export class SeriesLimit {
  readonly #maxSeries: number;
  readonly #walk: WalkMetrics;
  readonly #seen = new Set<number>();
  #sinceMillis = Number.NEGATIVE_INFINITY;

  constructor(maxSeries: number, walk: WalkMetrics) {
    this.#maxSeries = maxSeries;
    this.#walk = walk;
  }

  /**
   * Takes note of the series in an OTLP request, protobuf. Failure `too_large` when there are more than the limit, and that of
   * the walk when it is none. `nowMillis` never goes back.
   */
  check(body: Uint8Array, nowMillis: number): Result<void> {
    if (nowMillis - this.#sinceMillis >= HOUR_MILLIS) {
      this.#seen.clear();
      this.#sinceMillis = nowMillis;
    }
    const room = this.#maxSeries - this.#seen.size;
    const visitor = new SeriesVisitor(this.#seen, room);
    const walked = this.#walk(body, visitor);
    if (walked.kind !== "success") return walked;
    if (visitor.fresh.size > room) {
      const reason = `there are more than ${this.#maxSeries} different series of this participant in an hour`;
      return failure("too_large", reason);
    }
    // Of what is refused nothing is remembered: series that are known stay welcome.
    for (const hash of visitor.fresh) this.#seen.add(hash);
    return success(undefined);
  }
}

/** Collects the hash of every series that was not seen before, up to one more than there is room for. */
class SeriesVisitor implements MetricVisitor {
  readonly fresh: Set<number> = new Set();
  readonly #seen: ReadonlySet<number>;
  readonly #room: number;
  #resourceHash = 0;
  #scopeHash = 0;
  #metricHash = 0;

  constructor(seen: ReadonlySet<number>, room: number) {
    this.#seen = seen;
    this.#room = room;
  }

  resource(body: Uint8Array, start: number, end: number): void {
    this.#resourceHash = hashOf(body, start, end, 0);
  }

  scope(body: Uint8Array, start: number, end: number): boolean {
    this.#scopeHash = hashOf(body, start, end, this.#resourceHash);
    return true;
  }

  metric({ name }: MetricHeader): boolean {
    const bytes = Buffer.from(name);
    this.#metricHash = hashOf(bytes, 0, bytes.length, this.#scopeHash);
    return true;
  }

  point({ body, attributesStart, attributesEnd }: PointCursor): void {
    if (this.fresh.size > this.#room) return;
    const hash = hashOf(body, attributesStart, attributesEnd, this.#metricHash);
    if (!this.#seen.has(hash)) this.fresh.add(hash);
  }

  skipped(): void {}
}

/** 52 bits of two hashes over bytes (FNV-1a, and one of another factor), from the hash of what goes before them. */
function hashOf(bytes: Uint8Array, start: number, end: number, before: number): number {
  let high = (0x811c9dc5 ^ (before / 0x4000_000)) >>> 0;
  let low = (0x811c9dc5 ^ (before % 0x4000_000)) >>> 0;
  for (let position = start; position < end; position++) {
    high = Math.imul(high ^ bytes[position]!, 0x01000193);
    low = Math.imul(low ^ bytes[position]!, 0x85ebca6b) + 1;
  }
  return ((high >>> 6) & 0x3ff_ffff) * 0x400_0000 + ((low >>> 6) & 0x3ff_ffff);
}
