/**
 * Fold, inside: a shard's step of the live history, added up from what its series do now.
 */
import { mergeHistogram, type LatencyHistogram, type LatencyHistogramJson } from "../model/latency-histogram.ts";
import { ParticipantCount } from "../model/participant-count.ts";
import type { RealtimeSeries, RealtimeStep, RealtimeWebrtcStep } from "../model/realtime-store.ts";
import { LatencyParts } from "./latency-parts.ts";

type Sums = {
  -readonly [Name in keyof Omit<RealtimeWebrtcStep, "meetings" | "participants" | "relayParticipants">]: number;
};

/** Adds up series: HTTP servers', and participants'. */
export class LiveStep {
  #bytesIn = 0;
  #bytesOut = 0;
  #requests = 0;
  #errors = 0;
  readonly #latency: LatencyParts[] = [];
  readonly #roundTrip: LatencyParts[] = [];
  readonly #count = new ParticipantCount();
  readonly #webrtc: Sums = {
    bytesInPerSecond: 0,
    bytesOutPerSecond: 0,
    relayedMonitors: 0,
    relayBytesPerSecond: 0,
    packetsInPerSecond: 0,
    packetsOutPerSecond: 0,
    packetsLostInPerSecond: 0,
    packetsLostOutPerSecond: 0,
  };

  /** Adds a series; `latency` are its newest observations. */
  add(series: RealtimeSeries, latency: LatencyParts): void {
    const { dimensions, participant } = series;
    if (participant !== undefined) {
      this.#count.add(dimensions, participant);
      this.#addParticipant({ ...series, ...participant });
      this.#roundTrip.push(latency);
    } else if (dimensions.side === "server") {
      this.#bytesIn += series.bytesInPerSecond;
      this.#bytesOut += series.bytesOutPerSecond;
      this.#requests += series.requestsPerSecond;
      this.#errors += series.errorsPerSecond;
      this.#latency.push(latency);
    }
  }

  #addParticipant(figures: Readonly<Sums>): void {
    for (const name of Object.keys(this.#webrtc) as (keyof Sums)[]) this.#webrtc[name] += figures[name];
  }

  /** The step that starts at a time, milliseconds since the Unix epoch. */
  at(atMillis: number): RealtimeStep {
    const { meetings, participants, relayParticipants } = this.#count;
    return {
      atMillis,
      bytesInPerSecond: this.#bytesIn,
      bytesOutPerSecond: this.#bytesOut,
      requestsPerSecond: this.#requests,
      errorsPerSecond: this.#errors,
      latency: pairsOf(this.#latency),
      roundTrip: pairsOf(this.#roundTrip),
      webrtc: { ...this.#webrtc, meetings, participants, relayParticipants },
    };
  }
}

/** A step with the observations of the tick before, when that was of the same step: what is written last stands. */
export function addObservations(step: RealtimeStep, before: RealtimeStep | undefined): RealtimeStep {
  if (before?.atMillis !== step.atMillis) return step;
  const latency = merged(step.latency, before.latency);
  return { ...step, latency, roundTrip: merged(step.roundTrip, before.roundTrip) };
}

function merged(left: LatencyHistogramJson, right: LatencyHistogramJson): LatencyHistogramJson {
  if (left.length === 0) return right;
  if (right.length === 0) return left;
  const sum: LatencyHistogram = new Map();
  mergeHistogram(sum, left);
  mergeHistogram(sum, right);
  return pairsOf([new LatencyParts([], [sum])]);
}

/** The stored buckets of all of them together, lowest first. */
function pairsOf(all: readonly LatencyParts[]): [number, number][] {
  const pairs: [number, number][] = [];
  LatencyParts.sum(all).forEach((count, index) => pairs.push([index, count]));
  return pairs;
}
