/**
 * First step of the page side: what is read of a `getStats()` report. Only the fields named here leave the main thread;
 * addresses, related addresses, URLs, username fragments and credentials are not among them.
 * Names, units and meaning: W3C "Identifiers for WebRTC's Statistics API". A browser that does not tell a field leaves it
 * undefined, which is never the same as 0.
 */

/** Fields by report type. `counters` never go down while the object lives; `gauges` may. */
export const STATS_FIELDS = {
  transport: {
    counters: ["bytesSent", "bytesReceived", "packetsSent", "packetsReceived"],
    gauges: [],
    strings: ["selectedCandidatePairId", "iceState"],
    booleans: [],
  },
  "candidate-pair": {
    counters: [
      "bytesSent",
      "bytesReceived",
      "packetsSent",
      "packetsReceived",
      "totalRoundTripTime",
      "responsesReceived",
    ],
    gauges: ["lastPacketSentTimestamp", "lastPacketReceivedTimestamp"],
    strings: ["transportId", "localCandidateId", "remoteCandidateId", "state"],
    booleans: ["nominated", "selected"],
  },
  "local-candidate": {
    counters: [],
    gauges: ["addressFamily"],
    strings: ["candidateType", "protocol", "relayProtocol", "relayServer"],
    booleans: [],
  },
  "remote-candidate": { counters: [], gauges: ["addressFamily"], strings: ["candidateType"], booleans: [] },
  "inbound-rtp": {
    counters: [
      "packetsReceived",
      "jitterBufferDelay",
      "jitterBufferEmittedCount",
      "framesReceived",
      "framesDecoded",
      "framesDropped",
      "totalFreezesDuration",
    ],
    gauges: ["packetsLost", "jitter"],
    strings: ["kind", "transportId", "trackId"],
    booleans: [],
  },
  "outbound-rtp": {
    counters: ["packetsSent", "bytesSent", "framesSent", "framesEncoded"],
    gauges: [],
    strings: ["kind", "transportId", "remoteId", "mediaSourceId", "qualityLimitationReason"],
    booleans: ["active"],
  },
  "remote-inbound-rtp": {
    counters: ["totalRoundTripTime", "roundTripTimeMeasurements"],
    gauges: ["packetsLost", "jitter", "roundTripTime"],
    strings: ["localId", "transportId"],
    booleans: [],
  },
  "media-source": {
    counters: ["frames"],
    gauges: ["framesPerSecond", "width", "height"],
    strings: ["kind"],
    booleans: [],
  },
  track: {
    counters: [
      "jitterBufferDelay",
      "jitterBufferEmittedCount",
      "framesReceived",
      "framesDecoded",
      "framesDropped",
      "totalFreezesDuration",
    ],
    gauges: [],
    strings: [],
    booleans: [],
  },
} as const;

/** The report types that are read. */
export type StatsType = keyof typeof STATS_FIELDS;

type Fields<T extends StatsType> = (typeof STATS_FIELDS)[T];

/** The names of a type's counters. */
export type CounterName<T extends StatsType> = Fields<T>["counters"][number];

/** One object of a report, with the fields of its type that the browser told. `timestamp` is epoch milliseconds, the browser's. */
export type StatsEntry<T extends StatsType = StatsType> = {
  readonly id: string;
  readonly type: T;
  readonly timestamp: number;
} & { readonly [N in CounterName<T> | Fields<T>["gauges"][number]]?: number } & {
  readonly [N in Fields<T>["strings"][number]]?: string;
} & { readonly [N in Fields<T>["booleans"][number]]?: boolean };

/** An object of any of the types. */
export type AnyStatsEntry = { [T in StatsType]: StatsEntry<T> }[StatsType];

/** What the main thread posts of one connection at one tick. */
export interface PostedReport {
  /** When the report was there, milliseconds of a clock that never goes back. */
  readonly atMillis: number;
  /** `RTCPeerConnection.connectionState`, where the browser has it. */
  readonly connectionState?: string;
  readonly entries: readonly AnyStatsEntry[];
}

/** A report and whose it is. */
export interface ConnectionReport {
  /** The page's number of the connection. */
  readonly connection: number;
  readonly report: PostedReport;
}
