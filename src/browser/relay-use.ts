/** Worker: whether the selected pair runs over a TURN server of ours, which costs money, and over which. */
import type { CandidatePair } from "./selected-pair.ts";
import type { Snapshot } from "./snapshot.ts";
import type { StatsEntry } from "./stats-entry.ts";

/** How packets reach our TURN server. */
export type RelayProtocol = "udp" | "tcp" | "tls";

/** What is known of relays on a pair. */
export interface RelayUse {
  /** Whether our side is relayed; `undefined` when the local candidate is not told. */
  readonly relayed: boolean | undefined;
  /** Where the browser tells: Firefox has no server. */
  readonly protocol: RelayProtocol | undefined;
  readonly server: string | undefined;
  /** Whether the peer is relayed, at its own cost. It can hide behind a `prflx` candidate, so a no is never certain. */
  readonly remoteRelayed: true | undefined;
}

const NOTHING_KNOWN: RelayUse = {
  relayed: undefined,
  protocol: undefined,
  server: undefined,
  remoteRelayed: undefined,
};

/** Reads the relay use off a pair's candidates. */
export function relayUse(snapshot: Snapshot, pair: CandidatePair | undefined): RelayUse {
  if (pair === undefined) return NOTHING_KNOWN;
  const local = snapshot.find("local-candidate", pair.localCandidateId);
  const remote = snapshot.find("remote-candidate", pair.remoteCandidateId);
  const remoteRelayed = remote?.candidateType === "relay" ? true : undefined;
  const relayed = isRelayed(local);
  if (relayed !== true) return { ...NOTHING_KNOWN, relayed, remoteRelayed };
  return { relayed, protocol: protocolOf(local), server: local?.relayServer, remoteRelayed };
}

/** A check through the relay can make the local candidate peer-reflexive: it then still carries the relay's protocol. */
function isRelayed(local: StatsEntry<"local-candidate"> | undefined): boolean | undefined {
  if (local?.candidateType === undefined) return undefined;
  if (local.candidateType === "prflx") return local.relayProtocol !== undefined;
  return local.candidateType === "relay";
}

function protocolOf(local: StatsEntry<"local-candidate"> | undefined): RelayProtocol | undefined {
  const protocol = local?.relayProtocol;
  return protocol === "udp" || protocol === "tcp" || protocol === "tls" ? protocol : undefined;
}
