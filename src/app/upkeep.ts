/**
 * Wiring: what SQL needs of a receiver beside commits: the migrations before anything else, then maintenance from time to time.
 */
import type { Clock, Timer } from "../model/clock.ts";
import { retryable, success, type Result } from "../model/result.ts";
import type { RollupStore } from "../model/rollup-store.ts";
import { RetentionTime } from "../rollup/retention-time.ts";

/** What {@link Upkeep} works with. */
export interface UpkeepOptions {
  readonly clock: Clock;
  /** Migrates every database of the totals. */
  readonly prepare: () => Promise<Result<unknown>>;
  readonly store: Pick<RollupStore, "maintain" | "maintainedAt">;
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
  #retention: RetentionTime | undefined;
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
      // Before anything is committed, which would say that it is as late as our clock does.
      await this.#retentionTime();
      if (!this.#stopping) await this.#options.migrated();
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
    const { clock, report } = this.#options;
    const maintained = await this.#maintainOnce();
    if (this.#stopping) return;
    if (maintained.kind !== "success") report(`maintenance: ${maintained.reason}`);
    this.#timer = clock.after(MAINTENANCE_INTERVAL_MILLIS, () => void this.#maintain());
  }

  async #maintainOnce(): Promise<Result<void>> {
    const { clock, store } = this.#options;
    const retention = await this.#retentionTime();
    if (retention.kind !== "success") return retention;
    const nowMillis = clock.nowMillis();
    const retentionSeconds = retention.value.advance(nowMillis, clock.monotonicMillis());
    return await store.maintain(Math.floor(nowMillis / 1000), retentionSeconds);
  }

  /** Read once. */
  async #retentionTime(): Promise<Result<RetentionTime>> {
    const { clock, store } = this.#options;
    if (this.#retention === undefined) {
      const before = await store.maintainedAt();
      if (before.kind !== "success") return before;
      this.#retention = new RetentionTime(before.value, clock.monotonicMillis());
    }
    return success(this.#retention);
  }
}
