/**
 * Reads of what the fold goes on from, each with the shard's count of commits in the same statement: a server that has not seen
 * what its reader knows to be committed is caught. A primary that was cut off, or slept, answers reads until it hears of its successor,
 * and a proxy may send them to a replica; the compare-and-set of a later commit would not tell that the fold went on from old state.
 */
import { LEDGER_PAGE_SECONDS, type LedgerPage, type SeenCommits } from "../model/rollup-store.ts";
import type { ShardSlots } from "../model/shard-layout.ts";
import { BehindError } from "./mysql-member.ts";
import type { MysqlRow, MysqlSession } from "./mysql-session.ts";
import { placeholders } from "./mysql-totals.ts";
import { slotFilter } from "./slot-filter.ts";

/** Rows of `counter_state`. Rejects with {@link BehindError} where the server is behind `atLeast`, and with what the driver reports. */
export async function readCounterState(
  session: MysqlSession,
  keys: readonly string[],
  atLeast: SeenCommits | undefined,
): Promise<readonly MysqlRow[]> {
  const wanted = `state_key IN (${placeholders(keys.length)})`;
  if (atLeast === undefined) {
    return await session.rows(`SELECT state_key, slot, state, touched_at FROM counter_state WHERE ${wanted}`, keys);
  }
  const rows = await session.rows(
    `SELECT ingest_offset.commits, state_key, slot, state, touched_at
     FROM ingest_offset LEFT JOIN counter_state ON ${wanted} WHERE ingest_offset.shard = ?`,
    [...keys, atLeast.shard],
  );
  return upToDate(rows, atLeast, "state_key");
}

/** A page of `ingest_ledger`. Rejects as {@link readCounterState} does. */
export async function readLedger(
  session: MysqlSession,
  slots: ShardSlots,
  commits: number,
  receivedAtOrAfter: number,
): Promise<LedgerPage> {
  const before = receivedAtOrAfter + LEDGER_PAGE_SECONDS;
  const ofShard = slotFilter(slots);
  const found = await session.rows(
    `SELECT ingest_offset.commits, slot, entries, received_at,
       (SELECT MIN(received_at) FROM ingest_ledger WHERE ${ofShard} AND received_at >= ?) AS next_received_at
     FROM ingest_offset LEFT JOIN ingest_ledger ON ${ofShard} AND received_at >= ? AND received_at < ?
     WHERE ingest_offset.shard = ? ORDER BY received_at, ingest_ledger.shard, ingest_ledger.generation, ingest_ledger.last_id, position`,
    [before, receivedAtOrAfter, before, slots.shard],
  );
  const rows = upToDate(found, { shard: slots.shard, commits }, "received_at").map((row) => ({
    slot: Number(row["slot"]),
    entries: row["entries"] as Buffer,
    receivedAt: Number(row["received_at"]),
  }));
  const next = found[0]?.["next_received_at"] ?? undefined;
  return { rows, nextReceivedAt: next === undefined ? undefined : Number(next) };
}

function upToDate(
  rows: readonly MysqlRow[],
  { shard, commits }: SeenCommits,
  joinedColumn: string,
): readonly MysqlRow[] {
  const seen = Number(rows[0]?.["commits"] ?? 0);
  if (seen < commits) {
    throw new BehindError(`this server has seen ${seen} commits of shard ${shard}, of which there are ${commits}`);
  }
  return rows.filter((row) => row[joinedColumn] !== null);
}
