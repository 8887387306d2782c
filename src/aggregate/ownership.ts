/**
 * What the owner of a shard holds between two commits, and how a commit is made of it.
 */
import { success, type Result } from "../model/result.ts";
import type { RollupStore, ShardCommit, ShardOffset, StoreTimes } from "../model/rollup-store.ts";
import type { ShardSlots } from "../model/shard-layout.ts";
import { addReceiverCounts } from "./fold-counts.ts";
import { incrementsOf } from "./increments.ts";
import type { LedgerHorizon } from "./ledger-horizon.ts";
import type { LiveRates } from "./live-rates.ts";
import type { Series } from "./series-table.ts";
import type { ShardFold } from "./shard-fold.ts";

/** Scopes and series that nothing was received of for this long are let go of. */
const IDLE_MILLIS = 3_600_000;

/** Everything that is lost when the shard is given up. */
export interface Ownership {
  readonly fold: ShardFold;
  readonly live: LiveRates;
  readonly ledgerHorizon: LedgerHorizon;
  offset: ShardOffset;
  /** The last entry folded. */
  foldedId: string;
  uncommittedEntries: number;
  uncommittedBytes: number;
  committedAtMillis: number;
  /** A commit whose outcome is not known to be good: it is tried again as it is. */
  pending: PendingCommit | undefined;
}

/** A commit, and the series that are written with it for the first time. */
export interface PendingCommit {
  readonly commit: ShardCommit;
  readonly newSeries: readonly Series[];
}

/** Whether anything was folded that is not in the totals, or not known to be. */
export function isUncommitted({ pending, foldedId, offset }: Ownership): boolean {
  return pending !== undefined || foldedId !== offset.lastId;
}

/** Whether half of what the log may hold is uncommitted, or the fold has no room for more: then a commit comes early. */
export function isHalfFull(
  { fold, uncommittedEntries, uncommittedBytes }: Ownership,
  { maxEntries, maxBytes }: { readonly maxEntries: number; readonly maxBytes: number },
): boolean {
  return fold.isCrowded || uncommittedEntries * 2 >= maxEntries || uncommittedBytes * 2 >= maxBytes;
}

/**
 * Takes what was folded since the last commit. Call it once for each commit: what it takes is nowhere else. `times` are told of with
 * the minute of the commit; without entries there is nothing to tell, and no row is written.
 */
export function takeCommit(
  owned: Ownership,
  slots: ShardSlots,
  nowMillis: number,
  ledgerExpiredBefore: number,
  times?: StoreTimes,
): PendingCommit {
  const { fold, offset } = owned;
  if (times && owned.foldedId !== offset.lastId) addReceiverCounts(fold.counts.at(nowMillis), times);
  const rows = fold.series.takeRows();
  const newSeries = [...new Set(rows.map(({ series }) => series))].filter(({ written }) => !written);
  const { counterState, ledger, quarantine } = fold.take();
  const commit: ShardCommit = {
    ...slots,
    offset: { generation: offset.generation, fromId: offset.lastId, toId: owned.foldedId, commits: offset.commits },
    persistedAt: Math.floor(nowMillis / 1000),
    series: newSeries.map(({ id, dimensions }) => ({ seriesId: id, dimensions })),
    ...incrementsOf(rows, slots.shard),
    receiver: fold.counts.take(),
    counterState,
    ledger,
    ledgerExpiredBefore,
    quarantine,
  };
  owned.uncommittedEntries = 0;
  owned.uncommittedBytes = 0;
  return { commit, newSeries };
}

/** Notes that a commit is in the totals, and lets go of what is idle, now that SQL has it. */
export function noteCommitted(owned: Ownership, { commit, newSeries }: PendingCommit, monotonicMillis: number): void {
  const { offset, fold } = owned;
  owned.pending = undefined;
  owned.offset = {
    ...offset,
    lastId: commit.offset.toId,
    persistedAt: commit.persistedAt,
    commits: offset.commits + 1,
  };
  owned.committedAtMillis = monotonicMillis;
  for (const series of newSeries) series.written = true;
  const idleBefore = fold.newestReceivedMillis - IDLE_MILLIS;
  fold.scopes.evictIdle(idleBefore);
  fold.series.evictIdle(idleBefore);
}

/** Sends a commit, or learns that it, or an earlier try of it, went through although that was not answered with success. */
export async function sendCommit(
  { commit }: PendingCommit,
  { offset }: Ownership,
  store: RollupStore,
): Promise<Result<void>> {
  const outcome = await store.commit(commit);
  if (outcome.kind === "success") return outcome;
  return (await hasArrived(commit, offset, store)) ? success(undefined) : outcome;
}

/**
 * Whether a commit that was not answered with success did arrive: after a lost reply the offset tells. `from` is the offset that the
 * commit was made for; where more than one commit led on from it, they were another owner's. Where nothing was read it may have been
 * another's, too, but then neither adds anything.
 */
async function hasArrived({ offset, shard }: ShardCommit, from: ShardOffset, store: RollupStore): Promise<boolean> {
  const stored = await store.offset(shard);
  return (
    stored.kind === "success" &&
    stored.value.lastId === offset.toId &&
    stored.value.generation === offset.generation &&
    stored.value.commits === from.commits + 1
  );
}
