/**
 * The lease of an embedded receiver: the lock on its data directory already keeps every other process out.
 */
import type { LeaseView, ShardLease } from "../model/shard-lease.ts";

/** The name of the only receiver there is. */
export const ONLY_RECEIVER = "only";

/** A lease that is always held. */
export class SingleLease implements ShardLease {
  async stand(): Promise<LeaseView> {
    return { state: "held", candidates: [ONLY_RECEIVER] };
  }

  async hold(): Promise<boolean> {
    return true;
  }

  async handOver(): Promise<void> {}

  async release(): Promise<void> {}
}
