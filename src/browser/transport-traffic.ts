/** Worker: what went over one transport since the last report. */
import type { EntryHistory } from "./entry-history.ts";
import { relayUse, type RelayUse } from "./relay-use.ts";
import { transportsOf, type TransportView } from "./selected-pair.ts";
import type { Snapshot } from "./snapshot.ts";
import { type Directions, sumKnown } from "./sum-known.ts";
import { overheadBytesPerPacket } from "./wire-overhead.ts";

/** One transport between two reports. */
export interface TransportSample {
  readonly id: string;
  /** The selected candidate pair. */
  readonly pairId: string | undefined;
  readonly relay: RelayUse;
  /** As the browser counts: payload, RTP and SRTP, RTCP, data channels, DTLS; no IP and UDP headers, no ICE checks. */
  readonly bytes: Directions;
  /** {@link bytes} and {@link overheadBytesPerPacket} for each packet that is known of: never less than the bytes. */
  readonly wireBytes: Directions;
  /** Mean of the round trips to the ICE peer that ended since the last report, seconds; `undefined` when none did. */
  readonly roundTripSeconds: number | undefined;
  /** Whether this browser measures round trips on pairs at all. */
  readonly measuresRoundTrip: boolean;
}

type Increase = (
  view: TransportView,
  counter: "bytesSent" | "bytesReceived" | "packetsSent" | "packetsReceived",
) => number | undefined;

/** Every transport of a connection that has a pair or counts. */
export function sampleTransports(snapshot: Snapshot, history: EntryHistory): TransportSample[] {
  const views = transportsOf(snapshot, history);
  const increase: Increase = (view, counter) =>
    // Pairs only where the transport does not count (Firefox): their sum is the same number.
    view.transport?.[counter] === undefined
      ? sumKnown(view.pairs.map((pair) => history.increase(pair, counter)))
      : history.increase(view.transport, counter);
  return views.map((view) => {
    const relay = relayUse(snapshot, view.selected);
    const bytes = { receive: increase(view, "bytesReceived"), transmit: increase(view, "bytesSent") };
    const packets = {
      receive: increase(view, "packetsReceived") ?? rtpPackets(snapshot, history, view, views.length).receive,
      transmit: increase(view, "packetsSent") ?? rtpPackets(snapshot, history, view, views.length).transmit,
    };
    const local = snapshot.find("local-candidate", view.selected?.localCandidateId);
    // Firefox, which alone has transports that count nothing, binds no channels.
    const overhead = overheadBytesPerPacket(relay, local, view.transport?.bytesSent === undefined);
    return {
      id: view.id,
      pairId: view.selected?.id,
      relay,
      bytes,
      wireBytes: {
        receive: withOverhead(bytes.receive, packets.receive, overhead),
        transmit: withOverhead(bytes.transmit, packets.transmit, overhead),
      },
      roundTripSeconds: roundTrip(view, history),
      measuresRoundTrip:
        view.selected?.totalRoundTripTime !== undefined && view.selected.responsesReceived !== undefined,
    };
  });
}

function withOverhead(bytes: number | undefined, packets: number | undefined, overhead: number): number | undefined {
  return bytes === undefined ? undefined : bytes + (packets ?? 0) * overhead;
}

/** RTP packets stand for packets where neither transport nor pair counts them; RTCP is then not in the estimate. */
function rtpPackets(
  snapshot: Snapshot,
  history: EntryHistory,
  view: TransportView,
  transportCount: number,
): Directions {
  const isHere = (stream: { readonly transportId?: string }): boolean =>
    transportCount === 1 || stream.transportId === view.id;
  const inbound = snapshot.ofType("inbound-rtp").filter(isHere);
  const outbound = snapshot.ofType("outbound-rtp").filter(isHere);
  return {
    receive: sumKnown(inbound.map((stream) => history.increase(stream, "packetsReceived"))),
    transmit: sumKnown(outbound.map((stream) => history.increase(stream, "packetsSent"))),
  };
}

function roundTrip({ selected }: TransportView, history: EntryHistory): number | undefined {
  if (selected === undefined) return undefined;
  const seconds = history.increase(selected, "totalRoundTripTime");
  const responses = history.increase(selected, "responsesReceived");
  return seconds === undefined || responses === undefined || responses === 0 ? undefined : seconds / responses;
}
