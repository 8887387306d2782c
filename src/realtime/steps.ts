/**
 * The steps of the live history: how those of several shards are added up, and how long they count.
 */
import { mergeHistogram } from "../model/latency-histogram.ts";
import type { LatencyCounts, LatencyHistogram, LatencyHistogramJson } from "../model/latency-histogram.ts";
import type { RealtimeStep, RealtimeWebrtcStep } from "../model/realtime-store.ts";

/** How far back the live history goes, milliseconds. */
export const HISTORY_MILLIS = 300_000;

/** Whether a step still belongs to the history at `nowMillis`. */
export function isRecentStep(step: RealtimeStep, nowMillis: number): boolean {
  return step.atMillis > nowMillis - HISTORY_MILLIS;
}

/** Adds up the steps of all shards that start at the same time; oldest first. */
export function addUpSteps(steps: Iterable<RealtimeStep>): readonly RealtimeStep[] {
  const byTime = new Map<number, RealtimeStep>();
  for (const step of steps) {
    const other = byTime.get(step.atMillis);
    byTime.set(step.atMillis, other ? addSteps(other, step) : step);
  }
  return [...byTime.values()].sort((left, right) => left.atMillis - right.atMillis);
}

/** The sum of histograms in the form they are stored in. */
export function addHistograms(histograms: Iterable<LatencyCounts | LatencyHistogramJson>): LatencyHistogramJson {
  const sum: LatencyHistogram = new Map();
  for (const histogram of histograms) mergeHistogram(sum, histogram);
  return [...sum].sort((left, right) => left[0] - right[0]);
}

function addSteps(left: RealtimeStep, right: RealtimeStep): RealtimeStep {
  return {
    atMillis: left.atMillis,
    bytesInPerSecond: left.bytesInPerSecond + right.bytesInPerSecond,
    bytesOutPerSecond: left.bytesOutPerSecond + right.bytesOutPerSecond,
    requestsPerSecond: left.requestsPerSecond + right.requestsPerSecond,
    errorsPerSecond: left.errorsPerSecond + right.errorsPerSecond,
    latency: addHistograms([left.latency, right.latency]),
    roundTrip: addHistograms([left.roundTrip, right.roundTrip]),
    webrtc: addWebrtc(left.webrtc, right.webrtc),
  };
}

// A meeting is of one shard: its participants are not counted twice.
function addWebrtc(left: RealtimeWebrtcStep, right: RealtimeWebrtcStep): RealtimeWebrtcStep {
  return {
    bytesInPerSecond: left.bytesInPerSecond + right.bytesInPerSecond,
    bytesOutPerSecond: left.bytesOutPerSecond + right.bytesOutPerSecond,
    meetings: left.meetings + right.meetings,
    participants: left.participants + right.participants,
    relayParticipants: left.relayParticipants + right.relayParticipants,
    relayedMonitors: left.relayedMonitors + right.relayedMonitors,
    relayBytesPerSecond: left.relayBytesPerSecond + right.relayBytesPerSecond,
    packetsInPerSecond: left.packetsInPerSecond + right.packetsInPerSecond,
    packetsOutPerSecond: left.packetsOutPerSecond + right.packetsOutPerSecond,
    packetsLostInPerSecond: left.packetsLostInPerSecond + right.packetsLostInPerSecond,
    packetsLostOutPerSecond: left.packetsLostOutPerSecond + right.packetsLostOutPerSecond,
  };
}
