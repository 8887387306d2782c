/** Worker: which candidate pair of a transport carries the traffic. */
import type { EntryHistory } from "./entry-history.ts";
import type { Snapshot } from "./snapshot.ts";
import type { StatsEntry } from "./stats-entry.ts";

/** A candidate pair. */
export type CandidatePair = StatsEntry<"candidate-pair">;

/** A transport of a connection with its pairs. Browsers without transport objects name it by the pairs' `transportId`. */
export interface TransportView {
  readonly id: string;
  readonly transport: StatsEntry<"transport"> | undefined;
  readonly pairs: readonly CandidatePair[];
  /** The pair in use; `undefined` when none is, or none can be told. */
  readonly selected: CandidatePair | undefined;
}

/** Every transport of a connection. */
export function transportsOf(snapshot: Snapshot, history: EntryHistory): TransportView[] {
  const pairsById = new Map<string, CandidatePair[]>();
  const transports = snapshot.ofType("transport");
  for (const { id } of transports) pairsById.set(id, []);
  for (const pair of snapshot.ofType("candidate-pair")) {
    const id = pair.transportId ?? transports[0]?.id ?? "";
    const pairs = pairsById.get(id);
    if (pairs === undefined) pairsById.set(id, [pair]);
    else pairs.push(pair);
  }
  return [...pairsById].map(([id, pairs]) => {
    const transport = snapshot.find("transport", id);
    return { id, transport, pairs, selected: selectedPair(transport, pairs, history) };
  });
}

/**
 * The transport's own word, else the pair that old Firefox marks, else the nominated one that carried something last:
 * pairs of before an ICE restart stay nominated.
 */
function selectedPair(
  transport: StatsEntry<"transport"> | undefined,
  pairs: readonly CandidatePair[],
  history: EntryHistory,
): CandidatePair | undefined {
  const named = transport?.selectedCandidatePairId;
  if (named !== undefined) return pairs.find(({ id }) => id === named);
  const marked = pairs.find((pair) => pair.selected === true);
  if (marked !== undefined) return marked;
  const usable = pairs.filter((pair) => pair.nominated === true && pair.state === "succeeded");
  let best: CandidatePair | undefined;
  for (const pair of usable) {
    if (best === undefined || isLivelier(pair, best, history)) best = pair;
  }
  return best;
}

function isLivelier(pair: CandidatePair, other: CandidatePair, history: EntryHistory): boolean {
  const byPacket = lastPacket(pair) - lastPacket(other);
  if (byPacket !== 0) return byPacket > 0;
  return bytesRisen(pair, history) > bytesRisen(other, history);
}

function lastPacket(pair: CandidatePair): number {
  return Math.max(pair.lastPacketSentTimestamp ?? 0, pair.lastPacketReceivedTimestamp ?? 0);
}

function bytesRisen(pair: CandidatePair, history: EntryHistory): number {
  return (history.increase(pair, "bytesSent") ?? 0) + (history.increase(pair, "bytesReceived") ?? 0);
}
