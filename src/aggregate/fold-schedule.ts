/**
 * Fold, inside: when a shard is folded and told of. Every interval, counted from when it was due and not from when it came about: a little
 * delay at each would add up, and now and then a step of the live history would have nobody who writes it.
 */
import { LEASE_MILLIS } from "./shard-claim.ts";

/** The times of one shard, by the monotonic clock, milliseconds. */
export class FoldSchedule {
  readonly #intervalMillis: number;
  #dueAtMillis: number;

  /** `intervalMillis`: `METRICS_PROCESS_INTERVAL`. */
  constructor(intervalMillis: number) {
    this.#intervalMillis = intervalMillis;
    this.#dueAtMillis = intervalMillis;
  }

  /** Whether the shard is to be folded now. */
  isDue(nowMillis: number): boolean {
    return nowMillis >= this.#dueAtMillis - 1;
  }

  /** It was folded, as it was due. What was missed meanwhile is not caught up with. */
  passed(nowMillis: number): void {
    const next = this.#dueAtMillis + this.#intervalMillis;
    this.#dueAtMillis = next > nowMillis ? next : nowMillis + this.#intervalMillis;
  }

  /** How long to wait for the next look: in time to keep the lease, or to look for one, and no longer than until it is due. */
  delayMillis(nowMillis: number): number {
    const most = Math.min(this.#intervalMillis, LEASE_MILLIS / 4);
    const left = this.#dueAtMillis - nowMillis;
    // Not at once when it is overdue: it may be what cannot be done.
    return left > 0 ? Math.min(left, most) : most;
  }
}
