/**
 * Fold, inside: a shard's step of the live history, added up from what its series do now.
 */
import { mergeHistogram, type LatencyHistogram } from "../model/latency-histogram.ts";
import { ParticipantCount } from "../model/participant-count.ts";
import type { RealtimeSeries, RealtimeStep, RealtimeWebrtcStep } from "../model/realtime-store.ts";

type Sums = {
  -readonly [Name in keyof Omit<RealtimeWebrtcStep, "meetings" | "participants" | "relayParticipants">]: number;
};

/** Adds up series: HTTP servers', and participants'. */
export class LiveStep {
  #bytesIn = 0;
  #bytesOut = 0;
  #requests = 0;
  #errors = 0;
  readonly #latency: LatencyHistogram = new Map();
  readonly #roundTrip: LatencyHistogram = new Map();
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
  add(series: RealtimeSeries, latency: LatencyHistogram): void {
    const { dimensions, participant } = series;
    if (participant !== undefined) {
      this.#count.add(dimensions, participant);
      this.#addParticipant({ ...series, ...participant });
      mergeHistogram(this.#roundTrip, latency);
    } else if (dimensions.side === "server") {
      this.#bytesIn += series.bytesInPerSecond;
      this.#bytesOut += series.bytesOutPerSecond;
      this.#requests += series.requestsPerSecond;
      this.#errors += series.errorsPerSecond;
      mergeHistogram(this.#latency, latency);
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
      latency: sorted(this.#latency),
      roundTrip: sorted(this.#roundTrip),
      webrtc: { ...this.#webrtc, meetings, participants, relayParticipants },
    };
  }
}

/** The buckets of a histogram in order. */
export function sorted(histogram: LatencyHistogram): [number, number][] {
  const pairs: [number, number][] = [];
  let last = Number.NEGATIVE_INFINITY;
  let isSorted = true;
  histogram.forEach((count, index) => {
    isSorted &&= index > last;
    last = index;
    pairs.push([index, count]);
  });
  return isSorted ? pairs : pairs.sort((a, b) => a[0] - b[0]);
}
