/**
 * The page side's calculation as one: posted reports in, metrics and readings out. It runs in the worker, or on the main
 * thread where there is none; it sets no timer and reads no clock.
 */
import { ConnectionClock, type ConnectionStanding, type PageStanding, standingOf } from "./connection-clock.ts";
import { type ConnectionReading, makeReading } from "./connection-reading.ts";
import { ConnectionSampler } from "./connection-sampler.ts";
import type { MetricSink } from "./metric-sink.ts";
import { QualityAssessment } from "./quality-assessment.ts";
import { QualityTracker } from "./quality-tracker.ts";
import { recordSample } from "./record-sample.ts";
import type { PostedReport } from "./stats-entry.ts";

/** Connections measured at once; a page that makes more has the rest unmeasured. */
export const MAX_CONNECTIONS = 500;

interface FollowedConnection {
  readonly sampler: ConnectionSampler;
  readonly assessment: QualityAssessment;
  readonly tracker: QualityTracker;
  standing: ConnectionStanding | undefined;
  /** Whether a report was taken since the last tick ended. */
  isFresh: boolean;
  /** When the last tick ended that a report was taken in. */
  freshMillis: number;
}

/**
 * A connection of which no report came for so long counts no more: nobody knows whether it is there still. Long, since a page that
 * shows a dialog gives no reports while its calls go on.
 */
export const STALE_MILLIS = 300_000;
/** And for so many intervals: a slow browser is left out for some. */
const STALE_INTERVALS = 20;

/** Measures the connections of a page. */
export class Measurement {
  readonly #sink: MetricSink;
  readonly #connections = new Map<number, FollowedConnection>();
  readonly #clock = new ConnectionClock();
  #last: PageStanding | undefined;

  /** @param sink takes the metrics */
  constructor(sink: MetricSink) {
    this.#sink = sink;
  }

  /**
   * Takes a report of a connection, in order. Its first is a baseline.
   * @returns what the page can show; `undefined` when there are too many connections
   */
  take(connection: number, report: PostedReport): ConnectionReading | undefined {
    const followed = this.#follow(connection);
    if (followed === undefined) return undefined;
    const sample = followed.sampler.sample(report);
    recordSample(sample, this.#sink);
    const quality = followed.tracker.update(followed.assessment.assess(sample));
    followed.isFresh = true;
    followed.standing = {
      connected: sample.connected,
      relayed: sample.transports.some(({ relay }) => relay.relayed === true),
      level: quality.level,
    };
    return makeReading(sample, quality);
  }

  /** Forgets a connection, after its last report was taken. */
  remove(connection: number): void {
    this.#connections.delete(connection);
  }

  /**
   * Ends a tick: counts the connected time.
   * @param nowMillis of a clock that never goes back
   * @param statsIntervalMillis the time between two reports of a connection
   * @returns whether the page's quality level is another than after the last tick, or its relay use in the middle of a call:
   *   that of a new call is told with its first level, which follows at once
   */
  endTick(nowMillis: number, statsIntervalMillis = 0): boolean {
    const staleMillis = nowMillis - Math.max(STALE_MILLIS, STALE_INTERVALS * statsIntervalMillis);
    const standing = standingOf(this.#standings(nowMillis, staleMillis));
    this.#clock.advance(nowMillis, standing, this.#sink);
    const last = this.#last;
    this.#last = standing;
    if (last === undefined) return false;
    const relayChanged = last.connected && standing.connected && last.relayed !== standing.relayed;
    return relayChanged || last.level !== standing.level;
  }

  /** Of the connections that a report came of after `staleMillis`. */
  *#standings(nowMillis: number, staleMillis: number): Iterable<ConnectionStanding> {
    for (const followed of this.#connections.values()) {
      if (followed.isFresh) followed.freshMillis = nowMillis;
      followed.isFresh = false;
      if (followed.standing !== undefined && followed.freshMillis > staleMillis) yield followed.standing;
    }
  }

  #follow(connection: number): FollowedConnection | undefined {
    const known = this.#connections.get(connection);
    if (known !== undefined || this.#connections.size >= MAX_CONNECTIONS) return known;
    const followed: FollowedConnection = {
      sampler: new ConnectionSampler(),
      assessment: new QualityAssessment(),
      tracker: new QualityTracker(),
      standing: undefined,
      isFresh: false,
      freshMillis: Number.NEGATIVE_INFINITY,
    };
    this.#connections.set(connection, followed);
    return followed;
  }
}
