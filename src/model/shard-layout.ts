/**
 * The port that says how many shards there are. SQL has it; `SHARDS` is a receiver's wish. A change takes three steps: it is asked for,
 * every shard is finished (its log takes nothing more and is folded to its end), and the next layout begins.
 */
import type { Result } from "./result.ts";

/** How slots are divided into shards. */
export interface ShardLayout {
  /** Grows with every change. Logs, and offsets, are of one layout each. */
  readonly epoch: number;
  /** 0 before the first receiver. */
  readonly shardCount: number;
  /** That of the layout before, 0 for none: its live figures can still be read. */
  readonly previousShardCount: number;
  /** Another number than `shardCount` while a change is under way. */
  readonly wantedShardCount: number;
}

/** The shard of some slots: those that leave `shard` when divided by `shardCount`. */
export interface ShardSlots {
  readonly shard: number;
  readonly shardCount: number;
}

/** The layout in one database, which holds a shard's totals and all of its state. No method throws for an operating fault. */
export interface LayoutStore {
  /** Retryable `unavailable`. */
  layout(): Promise<Result<ShardLayout>>;
  /**
   * Asks for another number of shards, or begins with so many where there are none yet. While a change is under way it may be asked for
   * yet another number, but not for the present one: finished shards do not come back. Failure `conflict` then, and when the layout is
   * another than `from` by now; retryable `unavailable`, also when the outcome is unknown.
   */
  want(from: ShardLayout, shardCount: number): Promise<Result<void>>;
  /**
   * Begins the layout that is wanted, once every shard of `from` is finished: from then on no commit of an owner of before is accepted.
   * Failure `conflict` when the layout is another than `from` by now; retryable `unavailable`, also when a shard is not finished.
   */
  change(from: ShardLayout): Promise<Result<void>>;
}

/** The layout that everything is of before a change was ever made. */
export const FIRST_LAYOUT = 1;
