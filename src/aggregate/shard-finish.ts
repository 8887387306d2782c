/**
 * Between a layout of shards and the next: commits a shard, makes its log take nothing more, commits what that took meanwhile, and marks the
 * shard finished.
 */
import type { IngestLog } from "../model/ingest-log.ts";
import type { Result } from "../model/result.ts";
import type { RollupStore } from "../model/rollup-store.ts";
import type { FaultReports } from "./fault-reports.ts";
import { isUncommitted, type Ownership } from "./ownership.ts";

/** What a shard is finished with. */
export interface ShardFinish {
  readonly shard: number;
  readonly log: IngestLog;
  readonly store: RollupStore;
  readonly faults: FaultReports;
  readonly fold: () => Promise<void>;
  /** True when nothing is left uncommitted of what was folded before the call. */
  readonly commit: () => Promise<boolean>;
  /** Told that the first commit is made; whether the log may be sealed now. */
  readonly committed: () => boolean;
}

/**
 * One try. What it comes to when the shard was to be marked: not retryable, and it is no longer this owner's. `undefined`: it did not come
 * that far, and is tried again.
 */
export async function finishShard(owned: Ownership, finish: ShardFinish): Promise<Result<void> | undefined> {
  const { shard, log, store, faults, fold, commit, committed } = finish;
  // A long commit is made while senders still get through: only what came during it is left to be committed behind the seal.
  await fold();
  if (isUncommitted(owned) && !(await commit())) return undefined;
  if (!committed()) return undefined;
  const isAtEnd = await sealLog(owned, finish);
  // Also when it could not be sealed: for want of memory, trimming what is committed may be what lets it be.
  if (!(await commit()) || !isAtEnd) return undefined;
  // Nobody may own this shard afterwards: what was not trimmed with the commit would stay.
  if (!faults.accepted("log", await log.trim(owned.offset.lastId))) return undefined;
  return await store.finish(shard, owned.offset);
}

/**
 * Seals the log and folds it. True when everything that it will ever hold of this generation is folded. A log that was opened for
 * another generation meanwhile is not sealed and need not be: whoever opened it has moved the offset's generation on, and this one's with it.
 */
async function sealLog(owned: Ownership, { log, faults, fold }: ShardFinish): Promise<boolean> {
  // While senders still get through: what is left after the sealing is little then.
  await fold();
  if (!faults.accepted("log", await log.seal(owned.offset.generation))) return false;
  await fold();
  const rest = await log.read(owned.foldedId, 1);
  return faults.accepted("log", rest) && rest.value.length === 0;
}
