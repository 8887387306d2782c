/**
 * Wiring: keeps a receiver at the number of shards that SQL has. `SHARDS` is its wish: the largest one counts. A change is
 * carried out by all receivers together, each for the shards that it owns.
 */
import { addReceiverCounts, noReceiverCounts } from "../aggregate/fold-counts.ts";
import type { Clock, Timer } from "../model/clock.ts";
import { failure, messageOf, retryable, success, type Result } from "../model/result.ts";
import type { ReceiverCounts } from "../model/rollup-store.ts";
import type { LayoutStore, ShardLayout } from "../model/shard-layout.ts";
import { unevenRefusal } from "../rollup/layout-statements.ts";

/** The shards of one layout, as far as a change has to do with them. */
export interface LayoutShards {
  readonly owners: readonly { readonly committed: ReceiverCounts }[];
  /** Starts to fold. Resolves when every shard was first looked for. */
  start(): Promise<void>;
  /** Finishes the shards as far as they are ours, so that the next layout may begin. */
  finish(): void;
  /** Folds and commits what the logs hold, as far as the shards are ours, and gives them up. */
  stop(): Promise<void>;
}

/** What {@link ShardLayouts} works with. */
export interface ShardLayoutsOptions<S extends LayoutShards> {
  readonly clock: Clock;
  readonly store: LayoutStore;
  /** `SHARDS`. */
  readonly wantedShards: number;
  /** Whether no other receiver uses these totals: then `SHARDS` counts also when it is less. */
  readonly isAlone: boolean;
  /** How many databases hold the totals: a number of shards that is no multiple of it is never begun. */
  readonly databases: number;
  /** Makes the shards of a layout; nothing is folded before they are started. */
  readonly open: (layout: ShardLayout) => S;
  readonly report: (message: string) => void;
}

/** How often SQL is asked, and how often while a change is under way. */
const LOOK_MILLIS = 1000;
const CHANGE_LOOK_MILLIS = 200;

/** A receiver's shards, whatever their number is. */
export class ShardLayouts<S extends LayoutShards> {
  readonly #options: ShardLayoutsOptions<S>;
  readonly #committedBefore = noReceiverCounts();
  #layout: ShardLayout;
  #shards: S;
  #state: Result<void> = retryable("unavailable", "the number of shards is not known yet");
  #timer: Timer | undefined;
  #looking: Promise<void> | undefined;
  #hasAsked = false;
  #stopping = false;
  #said = "";

  /** Until SQL has answered, only live figures can be read. */
  constructor(options: ShardLayoutsOptions<S>) {
    const { wantedShards: shardCount } = options;
    this.#options = options;
    this.#layout = { epoch: 0, shardCount, previousShardCount: 0, wantedShardCount: shardCount };
    this.#shards = options.open(this.#layout);
  }

  /** The shards as they are now. */
  get shards(): S {
    return this.#shards;
  }

  /** Whether it is known how many there are. */
  get state(): Result<void> {
    return this.#state;
  }

  /** What this process has committed since it started, of shards of any layout. */
  get committed(): ReceiverCounts {
    const counts = noReceiverCounts();
    addReceiverCounts(counts, this.#committedBefore);
    for (const { committed } of this.#shards.owners) addReceiverCounts(counts, committed);
    return counts;
  }

  /** Asks SQL and starts the shards. Resolves when that was tried once. */
  async start(): Promise<void> {
    this.#looking = this.#look();
    await this.#looking;
  }

  /** Folds and commits what the logs hold, as far as the shards are ours, and gives them up. */
  async stop(): Promise<void> {
    this.#stopping = true;
    this.#timer?.clear();
    await this.#looking;
    await this.#shards.stop();
  }

  async #look(): Promise<void> {
    // A fault of ours must not end the process: the next look may go better.
    const looked = await this.#follow().catch((error: unknown) => failure("internal", messageOf(error)));
    this.#say(looked.kind === "success" ? "" : looked.reason);
    if (this.#stopping) return;
    const { shardCount, wantedShardCount } = this.#layout;
    const delay = shardCount === wantedShardCount ? LOOK_MILLIS : CHANGE_LOOK_MILLIS;
    this.#timer = this.#options.clock.after(delay, () => {
      this.#looking = this.#look();
    });
  }

  /** One look, and one step of a change if one is under way. */
  async #follow(): Promise<Result<void>> {
    const { store, databases } = this.#options;
    const asked = await this.#ask();
    const read = await store.layout();
    if (read.kind !== "success") return read;
    const layout = read.value;
    if (layout.shardCount === 0) return asked;
    if (layout.epoch !== this.#layout.epoch) await this.#replace(layout);
    this.#layout = layout;
    if (layout.wantedShardCount === layout.shardCount) return asked;
    // Nothing is finished for it: a finished shard does not come back.
    const uneven = unevenRefusal(layout.wantedShardCount, databases);
    if (uneven) return uneven;
    this.#shards.finish();
    const changed = await store.change(layout);
    // Not finished yet, or done by another: the next look tells.
    return changed.kind === "success" ? this.#follow() : asked;
  }

  /** The wish, once: a receiver that starts with more shards than there are makes them more. */
  async #ask(): Promise<Result<void>> {
    const { store, wantedShards, isAlone, report } = this.#options;
    if (this.#hasAsked) return success(undefined);
    const read = await store.layout();
    if (read.kind !== "success") return read;
    const { shardCount, wantedShardCount } = read.value;
    const wanted = shardCount === 0 || isAlone ? wantedShards : Math.max(wantedShards, wantedShardCount);
    const asked = wanted === wantedShardCount ? success(undefined) : await store.want(read.value, wanted);
    // Another was first, or a change has to end before: it is asked again with the next look.
    if (asked.kind !== "success") return asked.code === "conflict" ? success(undefined) : asked;
    this.#hasAsked = true;
    if (wanted > wantedShards) {
      report(`SHARDS is ${wantedShards}, but there are ${wanted} shards, which counts; fewer: otel-bandwidth reshard`);
    } else if (shardCount !== 0 && wanted !== shardCount) {
      report(`SHARDS is ${wanted}, and there are ${shardCount} shards: changing`);
    }
    return asked;
  }

  async #replace(layout: ShardLayout): Promise<void> {
    const before = this.#shards;
    const isFirst = this.#layout.epoch === 0;
    this.#shards = this.#options.open(layout);
    this.#layout = layout;
    this.#state = success(undefined);
    if (!isFirst) this.#options.report(`there are ${layout.shardCount} shards now`);
    await before.stop();
    for (const { committed } of before.owners) addReceiverCounts(this.#committedBefore, committed);
    if (!this.#stopping) await this.#shards.start();
  }

  /** Once for as long as it is the same. */
  #say(reason: string): void {
    if (reason !== "" && reason !== this.#said) this.#options.report(`shards: ${reason}`);
    this.#said = reason;
  }
}
