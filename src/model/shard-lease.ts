/**
 * The port that says which process folds a shard. A lease saves work; exactness rests on the compare-and-set of the
 * shard's offset in SQL, never on who holds a lease.
 */

/** The lease of one shard. None of its methods throws for an operating fault. */
export interface ShardLease {
  /** Takes the lease or renews it; true when this process holds it until `ttlMillis` from now. */
  hold(ttlMillis: number): Promise<boolean>;
  /** Gives the lease up, if held, so that another process can take over at once. */
  release(): Promise<void>;
}
