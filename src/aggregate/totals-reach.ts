/**
 * Fold, inside: whether this receiver reaches the totals. One that does not is no use to a shard: who does is to have it. Shared by the
 * shards of a database.
 */
import type { Clock } from "../model/clock.ts";
import type { RollupStore } from "../model/rollup-store.ts";

/** What a {@link TotalsReach} works with. */
export interface TotalsReachOptions {
  readonly store: Pick<RollupStore, "birth">;
  readonly clock: Clock;
}

/** How often the totals are asked. */
const ASK_MILLIS = 5000;

/** Without an answer for this long they count as out of reach. */
export const AWAY_MILLIS = 10_000;

/** One receiver's way to the totals. */
export class TotalsReach {
  readonly #options: TotalsReachOptions;
  #answeredAtMillis: number;
  #askedAtMillis: number;
  #isAsking = false;

  /** Asks for nothing yet: they count as reached. */
  constructor(options: TotalsReachOptions) {
    this.#options = options;
    this.#answeredAtMillis = options.clock.monotonicMillis();
    this.#askedAtMillis = this.#answeredAtMillis;
  }

  /** Whether they have answered lately. Asks again when it is time, and waits for nothing: a server that hangs must not hold the caller up. */
  get isThere(): boolean {
    const now = this.#options.clock.monotonicMillis();
    if (!this.#isAsking && now - this.#askedAtMillis >= ASK_MILLIS) void this.#ask(now);
    return now - this.#answeredAtMillis < AWAY_MILLIS;
  }

  async #ask(now: number): Promise<void> {
    this.#isAsking = true;
    this.#askedAtMillis = now;
    const answer = await this.#options.store.birth();
    this.#isAsking = false;
    if (answer.kind === "success") this.#answeredAtMillis = this.#options.clock.monotonicMillis();
  }
}
