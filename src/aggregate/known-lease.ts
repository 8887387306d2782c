/**
 * Fold, inside: a shard's lease, and until when it is known to be held. A process may stand still in the middle of its work for longer
 * than a lease is held, and must not write afterwards what another tells better.
 */
import type { Clock } from "../model/clock.ts";
import type { LeaseView, ShardLease } from "../model/shard-lease.ts";

/** A lease that remembers what it was told. */
export class KnownLease implements ShardLease {
  readonly #lease: ShardLease;
  readonly #clock: Clock;
  #heldUntilMillis = Number.NEGATIVE_INFINITY;

  /** Of this lease nothing is known yet. */
  constructor(lease: ShardLease, clock: Clock) {
    this.#lease = lease;
    this.#clock = clock;
  }

  /** Whether this process holds it now. Asks, as {@link hold} does, only where that is not known. */
  async isHeld(ttlMillis: number): Promise<boolean> {
    return this.#clock.monotonicMillis() < this.#heldUntilMillis || (await this.hold(ttlMillis));
  }

  async stand(ttlMillis: number): Promise<LeaseView> {
    const untilMillis = this.#clock.monotonicMillis() + ttlMillis;
    const view = await this.#lease.stand(ttlMillis);
    // Where nobody could be asked, it runs out when it would have.
    if (view.state !== "unknown") this.#note(view.state === "held", untilMillis);
    return view;
  }

  async hold(ttlMillis: number): Promise<boolean> {
    const untilMillis = this.#clock.monotonicMillis() + ttlMillis;
    const isHeld = await this.#lease.hold(ttlMillis);
    this.#note(isHeld, untilMillis);
    return isHeld;
  }

  async handOver(): Promise<void> {
    this.#note(false, 0);
    await this.#lease.handOver();
  }

  async release(): Promise<void> {
    this.#note(false, 0);
    await this.#lease.release();
  }

  /** Counted from before it was asked for: Redis counts from later. */
  #note(isHeld: boolean, untilMillis: number): void {
    this.#heldUntilMillis = isHeld ? untilMillis : Number.NEGATIVE_INFINITY;
  }
}
