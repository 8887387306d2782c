/**
 * Fold, inside: whether this receiver is to have a shard. It stands for every shard; of those that stand, one is to have it. Views may
 * differ for a moment: then a shard has no owner, or changes it once more, and nothing is counted otherwise for it.
 */
import type { Clock } from "../model/clock.ts";
import type { ShardLease } from "../model/shard-lease.ts";

/** What a {@link ShardClaim} goes by. */
export interface ShardClaimOptions {
  readonly lease: ShardLease;
  readonly clock: Clock;
  /** Whether this receiver is the one of these that is to have the shard. Absent: it always is. */
  readonly isOurs?: (candidates: readonly string[]) => boolean;
}

/** What a receiver may do with a shard now. "unsure": nobody could be asked, and the lease may run out meanwhile. */
export type Claim = "own" | "hand over" | "unsure" | "leave";

/** A lease is held for this long; a take-over comes within it. */
export const LEASE_MILLIS = 4000;

/** A shard that is free for this long is taken by whoever sees it, and kept for as long. */
const ORPHAN_MILLIS = 2 * LEASE_MILLIS;

/** One receiver's claim to one shard. */
export class ShardClaim {
  readonly #options: ShardClaimOptions;
  #freeSinceMillis: number | undefined;
  #keptUntilMillis = 0;

  /** Asks for nothing yet. */
  constructor(options: ShardClaimOptions) {
    this.#options = options;
  }

  /**
   * Asks, and takes the shard when it is to be had: "own". "hand over": it is held and another is to have it; what was folded
   * should be committed before {@link ShardLease.handOver}.
   */
  async look(): Promise<Claim> {
    const { lease, clock, isOurs } = this.#options;
    const { state, candidates } = await lease.stand(LEASE_MILLIS);
    const isWanted = isOurs?.(candidates) ?? true;
    const now = clock.monotonicMillis();
    if (state !== "free") this.#freeSinceMillis = undefined;
    if (state === "unknown") return "unsure";
    if (state === "held") return isWanted || now < this.#keptUntilMillis ? "own" : "hand over";
    if (state !== "free") return "leave";
    this.#freeSinceMillis ??= now;
    const isOrphan = now - this.#freeSinceMillis >= ORPHAN_MILLIS;
    if (!(isWanted || isOrphan) || !(await lease.hold(LEASE_MILLIS))) return "leave";
    if (!isWanted) this.#keptUntilMillis = now + ORPHAN_MILLIS;
    return "own";
  }
}
