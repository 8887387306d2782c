/**
 * Fold, inside: whether this receiver is to have a shard. It stands for every shard; of those that stand, one is to have it. Views may
 * differ for a moment: then a shard has no owner, or changes it once more, and nothing is counted otherwise for it.
 */
import type { Clock } from "../model/clock.ts";
import type { ShardLease } from "../model/shard-lease.ts";
import type { TotalsReach } from "./totals-reach.ts";

/** What a {@link ShardClaim} goes by. */
export interface ShardClaimOptions {
  readonly lease: ShardLease;
  readonly clock: Clock;
  /** Whether this receiver is the one of these that is to have the shard. Absent: it always is. */
  readonly isOurs?: (candidates: readonly string[]) => boolean;
  /** Whether this receiver reaches the totals. Absent: it always does. */
  readonly reach?: Pick<TotalsReach, "isThere">;
}

/** What a receiver may do with a shard now. "unsure": nobody could be asked, and the lease may run out meanwhile. */
export type Claim = "own" | "hand over" | "unsure" | "leave";

/** A lease is held for this long; a take-over comes within it. */
export const LEASE_MILLIS = 4000;

/** A shard that is free for this long is taken by whoever sees it, and kept for as long. */
const ORPHAN_MILLIS = 2 * LEASE_MILLIS;

/**
 * Who holds a shard and cannot store it gives it up when others have stood for it for this long. Longer than those need to stand no more who
 * have lost the totals, too (see `AWAY_MILLIS`, and a lease on top): while nobody reaches them, everybody keeps what they have.
 */
export const GIVE_UP_MILLIS = 20_000;

/** Who gave a shard up does not stand for it for this long. */
export const REST_MILLIS = 30_000;

/** One receiver's claim to one shard. */
export class ShardClaim {
  readonly #options: ShardClaimOptions;
  #freeSinceMillis: number | undefined;
  #keptUntilMillis = 0;
  #isHeld = false;
  #cannotStore = false;
  /** Since when this receiver could not store what others stood for. */
  #uselessSinceMillis: number | undefined;
  #restsUntilMillis = 0;

  /** Asks for nothing yet. */
  constructor(options: ShardClaimOptions) {
    this.#options = options;
  }

  /** Whether what was last asked of the totals could be done: a commit, taking the shard over, a look at the offset. */
  stored(isDone: boolean): void {
    this.#cannotStore = !isDone;
  }

  /**
   * Asks, and takes the shard when it is to be had: "own". "hand over": it is held and another is to have it; what was folded
   * should be committed before {@link ShardLease.handOver}.
   */
  async look(): Promise<Claim> {
    const { lease, clock, isOurs } = this.#options;
    if (!this.#mayStand()) return "leave";
    const { state, candidates } = await lease.stand(LEASE_MILLIS);
    const isWanted = isOurs?.(candidates) ?? true;
    const now = clock.monotonicMillis();
    if (state !== "free") this.#freeSinceMillis = undefined;
    if (state === "unknown") return "unsure";
    this.#isHeld = state === "held";
    if (this.#isUseless(candidates.length > 1)) return await this.#giveUp();
    if (state === "held") return isWanted || now < this.#keptUntilMillis ? "own" : "hand over";
    if (state !== "free") return "leave";
    this.#freeSinceMillis ??= now;
    const isOrphan = now - this.#freeSinceMillis >= ORPHAN_MILLIS;
    if (!(isWanted || isOrphan) || !(await lease.hold(LEASE_MILLIS))) return "leave";
    this.#isHeld = true;
    if (!isWanted) this.#keptUntilMillis = now + ORPHAN_MILLIS;
    return "own";
  }

  /** Whoever stands is handed shards to: not who could not store them. What is held already is kept as long as nobody else can. */
  #mayStand(): boolean {
    if (this.#options.clock.monotonicMillis() < this.#restsUntilMillis) return false;
    return this.#isHeld || (this.#options.reach?.isThere ?? true);
  }

  #isUseless(othersStand: boolean): boolean {
    const now = this.#options.clock.monotonicMillis();
    if (!(this.#isHeld && this.#cannotStore && othersStand)) this.#uselessSinceMillis = undefined;
    else this.#uselessSinceMillis ??= now;
    return this.#uselessSinceMillis !== undefined && now - this.#uselessSinceMillis >= GIVE_UP_MILLIS;
  }

  async #giveUp(): Promise<Claim> {
    this.#restsUntilMillis = this.#options.clock.monotonicMillis() + REST_MILLIS;
    this.#uselessSinceMillis = undefined;
    this.#cannotStore = false;
    this.#isHeld = false;
    await this.#options.lease.release();
    return "leave";
  }
}
