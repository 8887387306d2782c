/**
 * Beside the fold: how a shard does, for whoever watches the receiver. Only its owner can tell.
 */
import type { Clock } from "../model/clock.ts";
import type { IngestLog } from "../model/ingest-log.ts";
import { compareLogIds } from "../model/log-id.ts";
import type { Ownership } from "./ownership.ts";

/** How a shard does now. */
export interface ShardHealth {
  readonly shard: number;
  /** Active series. */
  readonly series: number;
  /** Seconds since its last commit to SQL; `undefined` before the first. */
  readonly persistAgeSeconds: number | undefined;
  /** `undefined` while the log is out of reach. */
  readonly log: ShardLogHealth | undefined;
}

/** How far a shard is behind its log. */
export interface ShardLogHealth {
  /** Entries not yet trimmed, and their bytes. */
  readonly entries: number;
  readonly bytes: number;
  /** Seconds since the oldest entry that is not folded yet was received; 0 when all are. */
  readonly lagSeconds: number;
}

/** What is needed to tell. */
export interface ShardHealthSources {
  readonly shard: number;
  readonly log: IngestLog;
  readonly clock: Clock;
  /** When the entry after this one was received, where that is known without the log; milliseconds since the Unix epoch. */
  readonly offeredAfter: (id: string) => number | undefined;
}

/** Looks at a shard. Asks the log, and reads an entry of it when another process received the oldest one that is not folded. */
export async function shardHealth(owned: Ownership, sources: ShardHealthSources): Promise<ShardHealth> {
  const { shard, clock } = sources;
  const { persistedAt } = owned.offset;
  return {
    shard,
    series: owned.fold.series.size,
    persistAgeSeconds: persistedAt === 0 ? undefined : Math.max(0, clock.nowMillis() / 1000 - persistedAt),
    log: await logHealth(owned, sources),
  };
}

async function logHealth(
  owned: Ownership,
  { log, clock, offeredAfter }: ShardHealthSources,
): Promise<ShardLogHealth | undefined> {
  const status = await log.status();
  if (status.kind !== "success") return undefined;
  const { entries, bytes, lastId } = status.value;
  const { foldedId } = owned;
  if (compareLogIds(lastId, foldedId) <= 0) return { entries, bytes, lagSeconds: 0 };
  let oldest = offeredAfter(foldedId);
  if (oldest === undefined) {
    const read = await log.read(foldedId, 1);
    if (read.kind !== "success") return undefined;
    oldest = read.value[0]?.receivedAtMillis;
  }
  const lagSeconds = oldest === undefined ? 0 : Math.max(0, (clock.nowMillis() - oldest) / 1000);
  return { entries, bytes, lagSeconds };
}
