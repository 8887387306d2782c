/**
 * The port that says which process folds a shard. A lease saves work; exactness rests on the compare-and-set of the
 * shard's offset in SQL, never on who holds a lease.
 */

/** What a process sees of a shard's lease. */
export interface LeaseView {
  /** `held` by this process, `taken` by another, or `free`; `unknown` when nobody could be asked. */
  readonly state: "held" | "taken" | "free" | "unknown";
  /** The receivers that stand for the shard, this one among them, in the order of their names. */
  readonly candidates: readonly string[];
}

/** The lease of one shard. None of its methods throws for an operating fault. */
export interface ShardLease {
  /** Says for `ttlMillis` that this receiver is there, and renews the lease as far as it is held. Never takes it. */
  stand(ttlMillis: number): Promise<LeaseView>;
  /** Takes the lease or renews it; true when this process holds it until `ttlMillis` from now. */
  hold(ttlMillis: number): Promise<boolean>;
  /** Gives the lease up, if held, and stands on: another receiver is to have it. */
  handOver(): Promise<void>;
  /** Gives the lease up, if held, and stands no more, so that another process can take over at once. */
  release(): Promise<void>;
}
