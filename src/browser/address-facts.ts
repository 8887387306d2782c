/**
 * Main thread, while a report is read: what an address or a URL of a candidate says about cost, so that the address and the
 * URL themselves need not be kept.
 */

/** 4 or 6 by the form of a literal address; `undefined` for names (mDNS), masks and nothing. */
export function addressFamily(address: unknown): 4 | 6 | undefined {
  if (typeof address !== "string") return undefined;
  if (address.includes(":")) return 6;
  return /^\d{1,3}(\.\d{1,3}){3}$/.test(address) ? 4 : undefined;
}

/** What a TURN URL (RFC 7065) says. */
export interface RelayAddress {
  /** `host` or `host:port` of the server, without user or credential. */
  readonly server: string;
  readonly protocol: "udp" | "tcp" | "tls";
}

const TURN_URL = /^(turns?):(?:\/\/)?(?:[^@?]*@)?([^?@]+)(?:\?(.*))?$/i;

/** Reads a TURN URL; `undefined` when it is none (STUN servers are no relays). */
export function relayAddress(url: unknown): RelayAddress | undefined {
  const match = typeof url === "string" ? TURN_URL.exec(url) : null;
  const [, scheme, server, query] = match ?? [];
  if (scheme === undefined || server === undefined) return undefined;
  const overTcp = /(^|&)transport=tcp(&|$)/i.test(query ?? "");
  if (scheme.toLowerCase() === "turns") return { server, protocol: "tls" };
  return { server, protocol: overTcp ? "tcp" : "udp" };
}
