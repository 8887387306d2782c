/**
 * The last minutes as `GET /api/live/history` tells them, in steps of 5 s, with round-trip times in buckets for a heatmap. Pure.
 */
import { LATENCY_SCALE, addToBucket, latencyBound } from "../model/latency-histogram.ts";
import type { LatencyHistogram, LatencyHistogramJson } from "../model/latency-histogram.ts";
import { REALTIME_STEP_MILLIS } from "../model/realtime-store.ts";
import type { RealtimeStep } from "../model/realtime-store.ts";
import type { RelayPrices } from "../model/relay-prices.ts";
import { packetLossRatio, relayCostPerHour, relayShare, roundTripOf } from "./live-webrtc.ts";
import type { LiveRoundTrip } from "./live-webrtc.ts";
import { percentilesOf } from "./percentiles.ts";
import type { LivePercentiles } from "./percentiles.ts";

/** Observations above `fromSeconds`, up to and including `toSeconds`. */
export interface HeatmapBucket {
  readonly fromSeconds: number;
  readonly toSeconds: number;
  readonly count: number;
}

/** One step. */
export interface LiveHistoryStep {
  /** Its start, milliseconds since the Unix epoch. */
  readonly at: number;
  readonly bytesInPerSecond: number;
  readonly bytesOutPerSecond: number;
  readonly requestsPerSecond: number;
  readonly errorsPerSecond: number;
  readonly latencySeconds: LivePercentiles;
  /** Shortest first; empty buckets are left out. */
  readonly roundTripBuckets: readonly HeatmapBucket[];
  readonly webrtc: LiveHistoryWebrtc;
}

/** What participants did in a step. */
export interface LiveHistoryWebrtc {
  readonly bytesInPerSecond: number;
  readonly bytesOutPerSecond: number;
  readonly meetings: number;
  readonly participants: number;
  readonly relayParticipants: number;
  /** Relayed participants by participants; 0 without any. */
  readonly relayShare: number;
  readonly relayCostPerHour: number;
  readonly roundTripTimeSeconds: LiveRoundTrip;
  readonly packetLossRatio: number;
}

/** The JSON of `GET /api/live/history`. */
export interface LiveHistory {
  readonly stepMillis: number;
  /** Oldest first; a step in which no owner wrote is missing. */
  readonly steps: readonly LiveHistoryStep[];
}

/** Buckets of scale 2: four to a doubling, as many rows as a heatmap can show. */
const HEATMAP_SCALE = 2;
const SHIFT = LATENCY_SCALE - HEATMAP_SCALE;

/** Makes the history of these steps, oldest first; the relay's cost is at the prices of now. */
export function liveHistory(steps: readonly RealtimeStep[], prices: RelayPrices): LiveHistory {
  return { stepMillis: REALTIME_STEP_MILLIS, steps: steps.map((step) => toHistoryStep(step, prices)) };
}

function toHistoryStep(step: RealtimeStep, prices: RelayPrices): LiveHistoryStep {
  const { bytesInPerSecond, bytesOutPerSecond, requestsPerSecond, errorsPerSecond } = step;
  return {
    at: step.atMillis,
    bytesInPerSecond,
    bytesOutPerSecond,
    requestsPerSecond,
    errorsPerSecond,
    latencySeconds: percentilesOf(step.latency),
    roundTripBuckets: heatmapBuckets(step.roundTrip),
    webrtc: webrtcOf(step, prices),
  };
}

function webrtcOf({ webrtc, roundTrip }: RealtimeStep, prices: RelayPrices): LiveHistoryWebrtc {
  const { bytesInPerSecond, bytesOutPerSecond, meetings, participants, relayParticipants } = webrtc;
  return {
    bytesInPerSecond,
    bytesOutPerSecond,
    meetings,
    participants,
    relayParticipants,
    relayShare: relayShare(relayParticipants, participants),
    relayCostPerHour: relayCostPerHour(webrtc, prices),
    roundTripTimeSeconds: roundTripOf(roundTrip),
    packetLossRatio: packetLossRatio(webrtc),
  };
}

function heatmapBuckets(histogram: LatencyHistogramJson): readonly HeatmapBucket[] {
  const coarse: LatencyHistogram = new Map();
  // A bucket of a lower scale is made of 2^SHIFT neighbours: an arithmetic shift finds it, below zero too.
  for (const [index, count] of histogram) addToBucket(coarse, index >> SHIFT, count);
  const buckets = [...coarse].sort((left, right) => left[0] - right[0]);
  return buckets.map(([index, count]) => ({
    fromSeconds: latencyBound(index << SHIFT),
    toSeconds: latencyBound((index + 1) << SHIFT),
    count,
  }));
}
