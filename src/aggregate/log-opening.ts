/**
 * Between the log and the totals: makes sure that a shard's log is the one that its offset was counted in. A log whose storage was
 * promoted, restarted or exchanged may end before what is already in the totals; it takes no appends until its owner has opened
 * the next generation here, above everything that was ever folded.
 */
import type { IngestLog, LogStatus } from "../model/ingest-log.ts";
import { compareLogIds, followingEntryId } from "../model/log-id.ts";
import { viewLog, type LogView } from "../model/log-view.ts";
import { retryable, success, type Result } from "../model/result.ts";
import type { RollupStore, ShardOffset } from "../model/rollup-store.ts";

/** What is opened, and where its offset is stored. */
export interface LogToOpen {
  readonly shard: number;
  readonly log: IngestLog;
  readonly store: RollupStore;
  /** The layout that it is opened for. */
  readonly layout: number;
  /** Random text, another one with every call. */
  readonly newIdentity: () => string;
}

/**
 * Opens the log if need be; the offset that holds from now on. Everything up to the offset given must be committed. The totals
 * go first: after that no owner of the generation before can commit any more, and a crash in between only means that the log
 * is opened once more. Failure `conflict` when another owner has moved on; retryable when a store is out of reach.
 */
export async function openLog(
  { shard, log, store, layout, newIdentity }: LogToOpen,
  offset: ShardOffset,
): Promise<Result<ShardOffset>> {
  const status = await log.status();
  if (status.kind !== "success") return status;
  if (isOpenAt(status.value, offset)) return success(offset);
  if (status.value.isSuperseded || isLeftBehind(status.value, offset)) return refuseLog(log, status.value);
  const { storage } = status.value;
  const generation = Math.max(offset.generation, status.value.generation) + 1;
  const logIdentity = `${storage} ${newIdentity()}`;
  const advanced = await store.advanceGeneration(shard, offset, { generation, logIdentity });
  if (advanced.kind !== "success") return advanced;
  const opened = await log.open({ generation, identity: logIdentity, storage, afterId: offset.lastId, layout });
  return opened.kind === "success" ? success({ ...offset, generation, logIdentity }) : opened;
}

/**
 * Whether the log was opened on another storage while this one went on, as an old primary does that was not told. What it took meanwhile
 * is numbered like what the other one took: to fold it would be to count one for the other.
 */
function isLeftBehind({ wasOpenedHere, generation, storage }: LogStatus, offset: ShardOffset): boolean {
  return wasOpenedHere && generation < offset.generation && !offset.logIdentity.startsWith(`${storage} `);
}

async function refuseLog(log: IngestLog, { isSuperseded, generation }: LogStatus): Promise<Result<never>> {
  const superseded = isSuperseded ? success(undefined) : await log.supersede(generation);
  if (superseded.kind !== "success") return superseded;
  return retryable(
    "unavailable",
    "this log was left behind: the shard's log was opened on another server while this one went on, which takes no appends any more. " +
      "Point the receiver at the other one; if this one is to be used from now on, restart it",
  );
}

/** Whether the log takes appends and is the one that the offset was counted in. */
export function isOpenAt({ isOpen, generation, identity }: LogStatus, offset: ShardOffset): boolean {
  return isOpen && generation === offset.generation && identity === offset.logIdentity;
}

/** Entries that are neither in the totals nor in the log. */
export interface LogGap {
  /** The last entry that is in the totals. */
  readonly afterId: string;
  /** The first entry that is there again; `undefined` when the log holds none. */
  readonly beforeId: string | undefined;
  /** Receive time of the entry after the gap, epoch milliseconds, if there is one. */
  readonly beforeMillis: number | undefined;
}

/**
 * Looks whether the log goes on where the offset ends: it does not where totals were restored from an old copy behind a log that
 * was trimmed since. Retryable `unavailable`.
 */
export async function findLogGap(log: IngestLog, offset: ShardOffset): Promise<Result<LogGap | undefined>> {
  const view = await viewLog(log);
  return view.kind === "success" ? success(logGap(view.value, offset)) : view;
}

/** The gap between an offset and a log that was looked at before the offset was read; `undefined` when there is none. */
export function logGap({ status, oldest }: LogView, { lastId }: Pick<ShardOffset, "lastId">): LogGap | undefined {
  const next = followingEntryId(lastId);
  const continues = compareLogIds(oldest?.id ?? followingEntryId(status.lastId), next) <= 0;
  return continues ? undefined : { afterId: lastId, beforeId: oldest?.id, beforeMillis: oldest?.receivedAtMillis };
}
