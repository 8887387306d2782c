/**
 * Worker: what the network adds to each packet that the browser counts. An estimate, and a low one: IP options, TCP
 * acknowledgements, retransmissions and ICE checks are not in it.
 */
import type { RelayUse } from "./relay-use.ts";
import type { StatsEntry } from "./stats-entry.ts";

const IPV4_HEADER_BYTES = 20;
const IPV6_HEADER_BYTES = 40;
const UDP_HEADER_BYTES = 8;
const TCP_HEADER_BYTES = 20;
/** ChannelData, RFC 8656 section 12.4. */
const TURN_CHANNEL_HEADER_BYTES = 4;
/** A Send or Data indication, RFC 8656 section 11: header, peer address, data header, mean padding. */
const TURN_INDICATION_BYTES = 38;
/** Length prefix of a packet on a TCP candidate, RFC 4571. */
const TCP_FRAMING_BYTES = 2;
/** TLS 1.3 record: header, content type, tag. */
const TLS_RECORD_BYTES = 22;

/**
 * Bytes to add to a packet on its way between the browser and the first hop (the peer, or our TURN server). An address
 * family that is not told counts as IPv4.
 * @param inIndications whether this browser relays in indications instead of channels
 */
export function overheadBytesPerPacket(
  relay: RelayUse,
  local: StatsEntry<"local-candidate"> | undefined,
  inIndications: boolean,
): number {
  const network = local?.addressFamily === 6 ? IPV6_HEADER_BYTES : IPV4_HEADER_BYTES;
  if (relay.relayed !== true) {
    const transport = local?.protocol === "tcp" ? TCP_HEADER_BYTES + TCP_FRAMING_BYTES : UDP_HEADER_BYTES;
    return network + transport;
  }
  const turn = inIndications ? TURN_INDICATION_BYTES : TURN_CHANNEL_HEADER_BYTES;
  if (relay.protocol === "tcp") return network + TCP_HEADER_BYTES + turn;
  if (relay.protocol === "tls") return network + TCP_HEADER_BYTES + TLS_RECORD_BYTES + turn;
  return network + UDP_HEADER_BYTES + turn;
}
