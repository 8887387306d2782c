/**
 * The lease of an embedded receiver: the lock on its data directory already keeps every other process out.
 */
import type { ShardLease } from "../model/shard-lease.ts";

/** A lease that is always held. */
export class SingleLease implements ShardLease {
  async hold(): Promise<boolean> {
    return true;
  }

  async release(): Promise<void> {}
}
