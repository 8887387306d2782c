/**
 * Fold, inside: what participants do now, for the live view. A page sends only the streams that grew, at the same time: a
 * stream that is not in its newest export stands still, whatever its own interval was.
 */
import { QUALITIES, type Quality } from "../model/metric-meaning.ts";
import { worseQuality } from "../model/participant-count.ts";
import type { RealtimeParticipant } from "../model/realtime-store.ts";
import { ROLLUP_COLUMNS, rollupPosition } from "../model/rollup-columns.ts";
import type { ScopeState } from "./scopes.ts";
import type { Series } from "./series-table.ts";
import { liveMillis, type Stream } from "./streams.ts";

/** A participant's figures, added up over its pages. */
export interface ParticipantRates {
  bytesIn: number;
  bytesOut: number;
  quality: Quality;
  relayedMonitors: number;
  relayBytes: number;
  packetsIn: number;
  packetsOut: number;
  packetsLostIn: number;
  packetsLostOut: number;
  expiresAtMillis: number;
  /** When the first of its pages expires: the rates fall then. */
  earliestExpiryMillis: number;
}

/** Streams received within this time of each other are of one export: a Collector may have split it. Pages wait longer. */
const SAME_EXPORT_MILLIS = 500;

const CONNECTED = rollupPosition("connected_seconds");
const RELAYED = rollupPosition("relay_seconds");
const BYTES_IN = rollupPosition("bytes_in");
const BYTES_OUT = rollupPosition("bytes_out");
const RELAY_BYTES = rollupPosition("relay_bytes");
const PACKETS_IN = rollupPosition("packets_in");
const PACKETS_OUT = rollupPosition("packets_out");
const PACKETS_LOST_IN = rollupPosition("packets_lost_in");
const PACKETS_LOST_OUT = rollupPosition("packets_lost_out");
const LEVELS = new Map(QUALITIES.map((quality) => [rollupPosition(`quality_${quality}_seconds`), quality]));

/** Used again for every page: there are thousands. */
const increases = new Float64Array(ROLLUP_COLUMNS.length);

/** Adds what the page behind a scope does at a time to its participant's figures; nothing when its news is too old. */
export function addPage(into: Map<Series, ParticipantRates>, scope: ScopeState, nowMillis: number): void {
  let newestMillis = 0;
  let intervalMillis = Number.POSITIVE_INFINITY;
  let series: Series | undefined;
  let connection: Stream | undefined;
  for (const { meaning, streams } of scope.parents.values()) {
    if (meaning.protocol !== "webrtc") continue;
    for (const stream of streams.values()) {
      const { live, columns } = stream;
      const receivedMillis = live.receivedAtMillis;
      if (receivedMillis <= newestMillis - SAME_EXPORT_MILLIS) continue;
      if (receivedMillis > newestMillis + SAME_EXPORT_MILLIS) {
        // A newer export: what was added up was of an older one.
        newestMillis = receivedMillis;
        intervalMillis = Number.POSITIVE_INFINITY;
        connection = undefined;
        increases.fill(0);
      }
      series = stream.series;
      const { value } = live;
      // A stream that was left out for a while has grown since the last export only: the shortest interval is the export's.
      intervalMillis = Math.min(intervalMillis, live.intervalMillis);
      const { values } = columns;
      for (let place = 0; place < values.length; place++) increases[values[place]!]! += value;
      // Connection time comes first in its columns.
      if (value > 0 && values[0] === CONNECTED) connection = laterConnection(connection, stream);
    }
  }
  const expiresAtMillis = newestMillis + liveMillis(intervalMillis);
  if (series === undefined || expiresAtMillis <= nowMillis) return;
  let rates = into.get(series);
  if (rates === undefined) into.set(series, (rates = noRates()));
  addIncreases(rates, intervalMillis / 1000);
  rates.quality = worseQuality(rates.quality, qualityOf(connection));
  if (connection?.columns.values.includes(RELAYED)) rates.relayedMonitors += 1;
  rates.expiresAtMillis = Math.max(rates.expiresAtMillis, expiresAtMillis);
  rates.earliestExpiryMillis = Math.min(rates.earliestExpiryMillis, expiresAtMillis);
}

/** The figures as the realtime store takes them. */
export function realtimeParticipant(rates: ParticipantRates): RealtimeParticipant {
  return {
    quality: rates.quality,
    relayedMonitors: rates.relayedMonitors,
    relayBytesPerSecond: rates.relayBytes,
    packetsInPerSecond: rates.packetsIn,
    packetsOutPerSecond: rates.packetsOut,
    packetsLostInPerSecond: rates.packetsLostIn,
    packetsLostOutPerSecond: rates.packetsLostOut,
  };
}

function noRates(): ParticipantRates {
  return {
    bytesIn: 0,
    bytesOut: 0,
    quality: "unknown",
    relayedMonitors: 0,
    relayBytes: 0,
    packetsIn: 0,
    packetsOut: 0,
    packetsLostIn: 0,
    packetsLostOut: 0,
    expiresAtMillis: 0,
    earliestExpiryMillis: Number.POSITIVE_INFINITY,
  };
}

function addIncreases(rates: ParticipantRates, seconds: number): void {
  rates.bytesIn += increases[BYTES_IN]! / seconds;
  rates.bytesOut += increases[BYTES_OUT]! / seconds;
  rates.relayBytes += increases[RELAY_BYTES]! / seconds;
  rates.packetsIn += increases[PACKETS_IN]! / seconds;
  rates.packetsOut += increases[PACKETS_OUT]! / seconds;
  rates.packetsLostIn += increases[PACKETS_LOST_IN]! / seconds;
  rates.packetsLostOut += increases[PACKETS_LOST_OUT]! / seconds;
}

/**
 * Of two kinds of connection time that grew in one export, the one that the export ended with: the one that stood still for
 * longer before, for it has begun to grow last; when both did as long, the one with less time.
 */
function laterConnection(left: Stream | undefined, right: Stream): Stream {
  if (left === undefined) return right;
  const longer = right.live.intervalMillis - left.live.intervalMillis || left.live.value - right.live.value;
  return longer > 0 ? right : left;
}

function qualityOf(connection: Stream | undefined): Quality {
  for (const position of connection?.columns.values ?? []) {
    const quality = LEVELS.get(position);
    if (quality !== undefined) return quality;
  }
  return "unknown";
}
