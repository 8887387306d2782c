/**
 * Reads of what the fold goes on from, each with the shard's count of commits in the same statement: a server that has not seen
 * what its reader knows to be committed is caught. A primary that was cut off, or slept, answers reads until it hears of its successor,
 * and a proxy may send them to a replica; the compare-and-set of a later commit would not tell that the fold went on from old state.
 */
import type { SeenCommits } from "../model/rollup-store.ts";
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

/** Rows of `ingest_ledger`, oldest first. Rejects as {@link readCounterState} does. */
export async function readLedger(
  session: MysqlSession,
  slots: ShardSlots,
  commits: number,
  receivedAtOrAfter: number,
): Promise<readonly MysqlRow[]> {
  const rows = await session.rows(
    `SELECT ingest_offset.commits, slot, entries, received_at
     FROM ingest_offset LEFT JOIN ingest_ledger ON ${slotFilter(slots)} AND received_at >= ?
     WHERE ingest_offset.shard = ? ORDER BY received_at, ingest_ledger.shard, ingest_ledger.generation, ingest_ledger.last_id, position`,
    [receivedAtOrAfter, slots.shard],
  );
  return upToDate(rows, { shard: slots.shard, commits }, "received_at");
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
