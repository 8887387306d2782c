/**
 * One commit on MySQL or MariaDB: offset first, then totals and everything beside them, in one transaction.
 */
import type { Protocol } from "../model/dimensions.ts";
import type { QuarantineRow, ShardCommit } from "../model/rollup-store.ts";
import {
  MAX_BYTES_PER_INSERT,
  MAX_KEYS_PER_SELECT,
  MAX_ROWS_PER_INSERT,
  chunksOf,
  paddedChunks,
} from "./mysql-chunks.ts";
import { MysqlErasures } from "./mysql-erasures.ts";
import type { MysqlSession } from "./mysql-session.ts";
import { isOutOfRange, nearlyFullRows } from "./mysql-range.ts";
import { addMysqlTotals, placeholders } from "./mysql-totals.ts";
import { quarantineThatFits } from "./quarantine-room.ts";
import { SIDE_TABLES } from "./side-rows.ts";
import { slotFilter } from "./slot-filter.ts";
import type { SideRow, SideTable } from "./side-rows.ts";
import { isVast, withinRange } from "./total-range.ts";
import { protocolsInCommit, seriesInCommit, tableIncrements } from "./totals-table.ts";

/**
 * Series whose protocol is remembered between commits, as many as `METRICS_MAX_SERIES` allows; past it the memory starts anew, and every commit
 * asks SQL again.
 */
const MAX_REMEMBERED_PROTOCOLS = 1_000_000;

/** Writes commits and remembers the protocol of the series it met: that never changes. */
export class MysqlCommitWriter {
  readonly #protocols = new Map<bigint, Protocol>();
  readonly #erasures = new MysqlErasures();

  /**
   * Writes a commit, without what would carry a total past 64 bits, which goes to quarantine. False, with nothing written,
   * when the shard's offset is elsewhere. Rejects, with nothing written, on any error.
   */
  async write(session: MysqlSession, commit: ShardCommit): Promise<boolean> {
    if (isVast(commit)) return this.#writeWithinRange(session, commit);
    try {
      return await this.#write(session, commit, async (anonymous) => anonymous);
    } catch (error) {
      if (!isOutOfRange(error)) throw error;
      return this.#writeWithinRange(session, commit);
    }
  }

  #writeWithinRange(session: MysqlSession, commit: ShardCommit): Promise<boolean> {
    return this.#write(session, commit, async (anonymous) =>
      withinRange(anonymous, await nearlyFullRows(session, anonymous)),
    );
  }

  #write(
    session: MysqlSession,
    whole: ShardCommit,
    fitted: (anonymous: ShardCommit) => Promise<ShardCommit>,
  ): Promise<boolean> {
    return session.transaction(async () => {
      if (!(await advanceOffset(session, whole))) return false;
      const fitting = await fitted(await this.#erasures.applied(session, whole));
      const commit = { ...fitting, quarantine: await roomyQuarantine(session, fitting) };
      for (const table of SIDE_TABLES) await writeSideTable(session, table, table.rowsOf(commit));
      const protocols = await this.#protocolsOf(session, commit);
      for (const increments of tableIncrements(commit, (id) => known(protocols, id))) {
        await addMysqlTotals(session, increments);
      }
      await expireLedger(session, commit);
      return true;
    });
  }

  async #protocolsOf(session: MysqlSession, commit: ShardCommit): Promise<ReadonlyMap<bigint, Protocol>> {
    if (this.#protocols.size > MAX_REMEMBERED_PROTOCOLS) this.#protocols.clear();
    for (const [id, protocol] of protocolsInCommit(commit)) this.#protocols.set(id, protocol);
    const unknown = [...seriesInCommit(commit)].filter((id) => !this.#protocols.has(id));
    for (const chunk of paddedChunks(unknown, MAX_KEYS_PER_SELECT, (id) => id)) {
      const sql = `SELECT series_id, protocol FROM series WHERE series_id IN (${placeholders(chunk.length)})`;
      for (const row of await session.rows(sql, chunk)) {
        this.#protocols.set(BigInt(String(row["series_id"])), row["protocol"] as Protocol);
      }
    }
    return this.#protocols;
  }
}

async function roomyQuarantine(
  session: MysqlSession,
  { shard, quarantine }: ShardCommit,
): Promise<readonly QuarantineRow[]> {
  if (quarantine.length === 0) return quarantine;
  const [held] = await session.rows(
    "SELECT COUNT(*) AS held, COALESCE(SUM(LENGTH(payload)), 0) AS bytes FROM ingest_quarantine WHERE shard = ?",
    [shard],
  );
  return quarantineThatFits(quarantine, { rows: Number(held?.["held"]), bytes: Number(held?.["bytes"]) });
}

function known(protocols: ReadonlyMap<bigint, Protocol>, id: bigint): Protocol {
  const protocol = protocols.get(id);
  if (protocol === undefined) throw new Error(`no series row was ever written for ${id}`);
  return protocol;
}

// `commits` changes with every commit, so the row counts as changed even when nothing else does.
async function advanceOffset(session: MysqlSession, { shard, offset, persistedAt }: ShardCommit): Promise<boolean> {
  const commits = offset.commits === undefined ? [] : [offset.commits];
  const changed = await session.run(
    `UPDATE ingest_offset SET last_id = ?, persisted_at = ?, commits = commits + 1
     WHERE shard = ? AND generation = ? AND last_id = ?${commits.length > 0 ? " AND commits = ?" : ""}`,
    [offset.toId, persistedAt, shard, offset.generation, offset.fromId, ...commits],
  );
  return changed === 1;
}

async function writeSideTable(session: MysqlSession, table: SideTable, rows: readonly SideRow[]): Promise<void> {
  for (const chunk of chunksOf(rows, MAX_ROWS_PER_INSERT, MAX_BYTES_PER_INSERT, bytesOf)) {
    await session.run(insertStatement(table, chunk.length), chunk.flat());
  }
}

function insertStatement({ name, keyColumns, valueColumns, onDuplicate }: SideTable, rowCount: number): string {
  const columns = [...keyColumns, ...valueColumns];
  const row = `(${placeholders(columns.length)})`;
  const changed = onDuplicate === "keep" ? keyColumns : valueColumns;
  const update = changed.map((column) => {
    if (onDuplicate === "keep") return `${column} = ${name}.${column}`;
    return `${column} = ${onDuplicate === "add" ? `${column} + ` : ""}VALUES(${column})`;
  });
  return `INSERT INTO ${name} (${columns.join(", ")}) VALUES ${Array(rowCount).fill(row).join(", ")}
    ON DUPLICATE KEY UPDATE ${update.join(", ")}`;
}

function bytesOf(row: SideRow): number {
  let bytes = 0;
  for (const value of row) bytes += typeof value === "string" || value instanceof Uint8Array ? value.length : 8;
  return bytes;
}

// Looked for first: where exporters send cumulative points the ledger is empty, and a DELETE would be sent for nothing.
async function expireLedger(session: MysqlSession, commit: ShardCommit): Promise<void> {
  const key = [commit.ledgerExpiredBefore];
  const where = `FROM ingest_ledger WHERE ${slotFilter(commit)} AND received_at < ?`;
  const expired = await session.rows(`SELECT 1 AS expired ${where} LIMIT 1`, key);
  if (expired.length > 0) await session.run(`DELETE ${where}`, key);
}
