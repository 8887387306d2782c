/**
 * The port for what is happening now: written by the fold every few seconds, read by the live view. Rebuildable, never
 * the truth. Implemented in `realtime/` on Redis hashes and in memory.
 */
import type { SeriesDimensions } from "./dimensions.ts";
import type { LatencyCounts, LatencyHistogramJson } from "./latency-histogram.ts";
import type { Quality } from "./metric-meaning.ts";
import type { Result } from "./result.ts";

/** What a participant's connections do beside moving bytes, or those of many participants together. */
export interface ConnectionRates {
  /** Monitors (one a page) that are relayed: each is a user in the price of a relay. */
  readonly relayedMonitors: number;
  /** Bytes of both directions over a TURN relay. */
  readonly relayBytesPerSecond: number;
  readonly packetsInPerSecond: number;
  readonly packetsOutPerSecond: number;
  readonly packetsLostInPerSecond: number;
  readonly packetsLostOutPerSecond: number;
}

/** A WebRTC series now: one participant, whose pages are monitors of their own. */
export interface RealtimeParticipant extends ConnectionRates {
  /** The latest level; of several monitors the worst that is known. */
  readonly quality: Quality;
}

/** The latest rates of one series: its last increase over that increase's own interval. */
export interface RealtimeSeries {
  /** The series id in decimal. */
  readonly seriesId: string;
  readonly dimensions: SeriesDimensions;
  readonly bytesInPerSecond: number;
  readonly bytesOutPerSecond: number;
  readonly requestsPerSecond: number;
  readonly errorsPerSecond: number;
  /** The observations of the last increase, by bucket, lowest first. */
  readonly latency: LatencyCounts | LatencyHistogramJson;
  /** Of WebRTC series alone. */
  readonly participant?: RealtimeParticipant;
  /** When these figures are too old to be shown, milliseconds since the Unix epoch: two intervals without news. */
  readonly expiresAtMillis: number;
}

/** One step of the history that the live view draws. */
export interface RealtimeStep {
  /** Start of the step, milliseconds since the Unix epoch, a multiple of the step's length (5 s). */
  readonly atMillis: number;
  readonly bytesInPerSecond: number;
  readonly bytesOutPerSecond: number;
  readonly requestsPerSecond: number;
  readonly errorsPerSecond: number;
  /** Durations of the server side's requests. */
  readonly latency: LatencyHistogramJson;
  /** Round-trip times of participants, for the heatmap. */
  readonly roundTrip: LatencyHistogramJson;
  readonly webrtc: RealtimeWebrtcStep;
}

/** The participants of a step. The other figures of a {@link RealtimeStep} are those of HTTP servers. */
export interface RealtimeWebrtcStep extends ConnectionRates {
  readonly bytesInPerSecond: number;
  readonly bytesOutPerSecond: number;
  readonly meetings: number;
  readonly participants: number;
  /** Participants of whom at least one monitor is relayed. */
  readonly relayParticipants: number;
}

/** What an owner writes for its shard at each tick. */
export interface RealtimeUpdate {
  readonly shard: number;
  /** Series whose figures changed since the last update. */
  readonly changed: readonly RealtimeSeries[];
  /** Ids of series that have expired. */
  readonly removed: readonly string[];
  /** Totals over the shard's server-side HTTP series and its participants at this tick. */
  readonly step: RealtimeStep;
}

/** The length of a {@link RealtimeStep}, milliseconds. */
export const REALTIME_STEP_MILLIS = 5000;

/** The store of what is happening now. */
export interface RealtimeStore {
  /** Writes a shard's update. Retryable `unavailable`; the caller goes on and lets the next update heal it. */
  update(update: RealtimeUpdate): Promise<Result<void>>;
  /** Reads the series of all shards that have not expired at `nowMillis`: many. Retryable `unavailable`. */
  snapshot(nowMillis: number): Promise<Result<readonly RealtimeSeries[]>>;
  /**
   * Reads the steps of the last 300 s, oldest first, those of all shards added up by `atMillis`. The rates of a shard that left
   * one or two out are those of before. Reads no series. Retryable `unavailable`.
   */
  steps(nowMillis: number): Promise<Result<readonly RealtimeStep[]>>;
}
