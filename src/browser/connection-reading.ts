/** Worker: the numbers of a connection that the page itself can show, after each report. */
import type { ConnectionSample, RoundTrip } from "./connection-sampler.ts";
import type { Quality } from "./quality-tracker.ts";
import type { RelayUse } from "./relay-use.ts";
import type { QualityLimitation } from "./sent-media.ts";
import { type Directions, sumKnown } from "./sum-known.ts";

/** One connection now. What is `undefined` is not known; nothing is 0 that was not measured as 0. */
export interface ConnectionReading {
  readonly connected: boolean;
  /** Of all transports, as the browser counts bytes. */
  readonly bitsPerSecond: Directions;
  /** The slowest of the transports, when a round trip ended since the last report. */
  readonly roundTrip: RoundTrip | undefined;
  /** Lost / expected packets, 0 to 1; what was sent only when the peer has reported since. */
  readonly loss: { readonly audio: Directions; readonly video: number | undefined; readonly sent: number | undefined };
  /** The highest of the received audio streams. */
  readonly jitterSeconds: number | undefined;
  /** Video frames a second, all streams together. */
  readonly framesPerSecond: Directions;
  readonly limitation: QualityLimitation | undefined;
  readonly quality: Quality;
  readonly relay: RelayUse;
}

/** Makes the reading of a sample. */
export function makeReading(sample: ConnectionSample, quality: Quality): ConnectionReading {
  const { transports, received, sent, intervalSeconds } = sample;
  const perSecond = (amount: number | undefined): number | undefined =>
    amount === undefined || intervalSeconds === undefined ? undefined : amount / intervalSeconds;
  const bitsOf = (direction: keyof Directions): number | undefined => {
    const bytes = sumKnown(transports.map(({ bytes: counted }) => counted[direction]));
    return bytes === undefined ? undefined : perSecond(bytes * 8);
  };
  const slowest = [...sample.roundTrips].sort((a, b) => b.seconds - a.seconds)[0];
  const { jitterSeconds } = received.audio;
  return {
    connected: sample.connected,
    bitsPerSecond: { receive: bitsOf("receive"), transmit: bitsOf("transmit") },
    roundTrip: slowest,
    loss: {
      audio: { receive: received.audio.lossRatio, transmit: sent.audio.lossRatio },
      video: received.video.lossRatio,
      sent: sent.lossRatio,
    },
    jitterSeconds: jitterSeconds.length === 0 ? undefined : Math.max(...jitterSeconds),
    framesPerSecond: { receive: perSecond(received.frames), transmit: perSecond(sent.frames) },
    limitation: sent.video.find(({ limitation }) => limitation !== "none")?.limitation ?? sent.video[0]?.limitation,
    quality,
    relay: relayOf(sample),
  };
}

const NO_RELAY_KNOWN: RelayUse = {
  relayed: undefined,
  protocol: undefined,
  server: undefined,
  remoteRelayed: undefined,
};

/** The relayed transport if there is one: it is the one that costs. */
function relayOf({ transports }: ConnectionSample): RelayUse {
  const uses = transports.map(({ relay }) => relay);
  const remoteRelayed = uses.some((use) => use.remoteRelayed === true) ? true : undefined;
  const shown = uses.find(({ relayed }) => relayed === true) ?? uses.find(({ relayed }) => relayed !== undefined);
  return { ...(shown ?? NO_RELAY_KNOWN), remoteRelayed };
}
