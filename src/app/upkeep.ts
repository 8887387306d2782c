/**
 * Wiring: what SQL needs of a receiver beside commits: the migrations before anything else, then maintenance from time to time.
 */
import type { Clock, Timer } from "../model/clock.ts";
import { retryable, success, type Result } from "../model/result.ts";
import type { RollupStore } from "../model/rollup-store.ts";

/** What {@link Upkeep} works with. */
export interface UpkeepOptions {
  readonly clock: Clock;
  /** Migrates every database of the totals. */
  readonly prepare: () => Promise<Result<unknown>>;
  readonly store: Pick<RollupStore, "maintain">;
  readonly report: (message: string) => void;
  /** Called once, when the migrations have run and before the first maintenance. */
  readonly migrated: () => Promise<void>;
}

const MAINTENANCE_INTERVAL_MILLIS = 600_000;
const MIGRATION_RETRY_MILLIS = 1000;

/** Migrates, as often as it takes, and maintains. */
export class Upkeep {
  readonly #options: UpkeepOptions;
  #state: Result<void> = retryable("unavailable", "the migrations have not run yet");
  #timer: Timer | undefined;
  #stopping = false;

  /** Does nothing before `start`. */
  constructor(options: UpkeepOptions) {
    this.#options = options;
  }

  /** Whether the schema is the one of this version; says why not. */
  get state(): Result<void> {
    return this.#state;
  }

  /** Tries to migrate. Resolves after the first try, with all that follows if it went well. */
  async start(): Promise<void> {
    const { clock, prepare, report } = this.#options;
    const migrated = await prepare();
    if (this.#stopping) return;
    if (migrated.kind === "success") {
      this.#state = success(undefined);
      await this.#options.migrated();
      if (!this.#stopping) await this.#maintain();
      return;
    }
    const known = this.#state.kind !== "success" && this.#state.reason === migrated.reason;
    this.#state = retryable("unavailable", migrated.reason);
    if (!known) report(`migrations: ${migrated.reason}`);
    this.#timer = clock.after(MIGRATION_RETRY_MILLIS, () => void this.start());
  }

  /** Begins nothing more. */
  stop(): void {
    this.#stopping = true;
    this.#timer?.clear();
  }

  async #maintain(): Promise<void> {
    const { clock, store, report } = this.#options;
    const maintained = await store.maintain(Math.floor(clock.nowMillis() / 1000));
    if (this.#stopping) return;
    if (maintained.kind !== "success") report(`maintenance: ${maintained.reason}`);
    this.#timer = clock.after(MAINTENANCE_INTERVAL_MILLIS, () => void this.#maintain());
  }
}
