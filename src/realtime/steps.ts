/**
 * The steps of the live history: how those of several shards are added up, and how long they count.
 */
import { mergeHistogram } from "../model/latency-histogram.ts";
import type { LatencyCounts, LatencyHistogram, LatencyHistogramJson } from "../model/latency-histogram.ts";
import { REALTIME_STEP_MILLIS } from "../model/realtime-store.ts";
import type { RealtimeStep, RealtimeWebrtcStep } from "../model/realtime-store.ts";

/** How far back the live history goes, milliseconds. */
export const HISTORY_MILLIS = 300_000;
/** So many steps in a row may a shard leave out, because it is busy or writes a little later than others, before it counts as silent. */
const MAX_CARRIED_STEPS = 2;

/** Whether a step still belongs to the history at `nowMillis`. */
export function isRecentStep(step: RealtimeStep, nowMillis: number): boolean {
  return step.atMillis > nowMillis - HISTORY_MILLIS;
}

/**
 * Adds up the recent steps of all shards, oldest first: one for every time at which a shard wrote. Shards write at moments of their own,
 * so of one that has none for a time yet, or left it out, the rates are carried over.
 */
export function addUpSteps(ofShards: readonly (readonly RealtimeStep[])[], nowMillis: number): readonly RealtimeStep[] {
  const shards = ofShards.map((steps) => new Map(steps.map((step) => [step.atMillis, step])));
  const times = new Set(ofShards.flat().flatMap((step) => (isRecentStep(step, nowMillis) ? [step.atMillis] : [])));
  return [...times]
    .sort((left, right) => left - right)
    .map((atMillis) =>
      shards
        .map((steps) => stepAt(steps, atMillis))
        .filter((step) => step !== undefined)
        .reduce(addSteps),
    );
}

/** What a shard wrote for a time, or else the rates of what it wrote shortly before: what was observed then was not observed again. */
function stepAt(steps: ReadonlyMap<number, RealtimeStep>, atMillis: number): RealtimeStep | undefined {
  const written = steps.get(atMillis);
  if (written) return written;
  for (let back = 1; back <= MAX_CARRIED_STEPS; back += 1) {
    const before = steps.get(atMillis - back * REALTIME_STEP_MILLIS);
    if (before) return { ...before, atMillis, latency: [], roundTrip: [] };
  }
  return undefined;
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
