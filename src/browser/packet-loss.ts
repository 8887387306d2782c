/** Worker: packets and losses of one direction and kind of media, summed over its streams before any division. */

/** Packets of a set of streams since the last report. */
export interface PacketCounts {
  /** Received, or for what we send: sent. */
  readonly packets: number;
  /** May be negative: late packets take losses back. */
  readonly lost: number;
}

/** Lost / (lost + received) of what we receive, 0 to 1; `undefined` when nothing was expected. */
export function receivedLossRatio(counts: readonly PacketCounts[]): number | undefined {
  const lost = Math.max(0, total(counts, "lost"));
  const expected = lost + total(counts, "packets");
  return expected > 0 ? lost / expected : undefined;
}

/** Lost / sent of what the peer has reported on, 0 to 1; `undefined` when nothing was sent. */
export function sentLossRatio(counts: readonly PacketCounts[]): number | undefined {
  const sent = total(counts, "packets");
  return sent > 0 ? Math.min(1, Math.max(0, total(counts, "lost")) / sent) : undefined;
}

function total(counts: readonly PacketCounts[], name: keyof PacketCounts): number {
  return counts.reduce((sum, count) => sum + count[name], 0);
}
