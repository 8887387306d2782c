/**
 * The totals in MySQL or MariaDB. Several receivers may use one database: each shard's rows have one writer, and the
 * compare-and-set of its offset says who.
 */
import type { SeriesDimensions } from "../model/dimensions.ts";
import type { AlertStore } from "../model/alert-store.ts";
import { histogramFromJson } from "../model/latency-histogram.ts";
import { messageOf, retryable, success } from "../model/result.ts";
import type { Result } from "../model/result.ts";
import { ROLLUP_COLUMNS } from "../model/rollup-columns.ts";
import type { RollupColumn } from "../model/rollup-columns.ts";
import type {
  CounterStateRow,
  Granularity,
  LedgerPage,
  RollupReader,
  RollupRow,
  RollupStore,
  SeenCommits,
  ShardCommit,
  ShardOffset,
} from "../model/rollup-store.ts";
import type { LayoutStore, ShardSlots } from "../model/shard-layout.ts";
import { checkCommit } from "./check-commit.ts";
import { FINISH_SHARD, type LayoutPlace, MAKE_OFFSET, ONLY_DATABASE } from "./layout-statements.ts";
import { missingMigrations } from "./migrate.ts";
import { loadMigrations } from "./migration.ts";
import type { Migration } from "./migration.ts";
import { MysqlAlertStore } from "./mysql-alert-store.ts";
import { MAX_KEYS_PER_SELECT, paddedChunks } from "./mysql-chunks.ts";
import { readCounterState, readLedger } from "./mysql-fenced-reads.ts";
import { MysqlCommitWriter } from "./mysql-commit.ts";
import { MysqlDatabase } from "./mysql-database.ts";
import type { MysqlOptions } from "./mysql-database.ts";
import { MysqlLayoutStore } from "./mysql-layout-store.ts";
import { maintainMysql } from "./mysql-maintenance.ts";
import { isRefusedByGroup } from "./mysql-member.ts";
import type { MysqlRow, MysqlSession } from "./mysql-session.ts";
import { noSuchShard, offsetElsewhere } from "./offset-elsewhere.ts";
import { MAINTAINED_AT_SQL } from "./retention.ts";
import { SERIES_COLUMNS } from "./side-rows.ts";
import { ROLLUP_TABLES } from "./totals-table.ts";

/** Options of {@link MysqlRollupStore}. */
export type MysqlRollupStoreOptions = MysqlOptions;

/** The totals' store on MySQL and MariaDB. */
export class MysqlRollupStore implements RollupStore, RollupReader {
  /** The alerts and the layout in the same database; they end with `close`. */
  readonly alerts: AlertStore;
  readonly layouts: LayoutStore;
  readonly #database: MysqlDatabase;
  readonly #writer: MysqlCommitWriter = new MysqlCommitWriter();
  readonly #migrations: readonly Migration[] = loadMigrations("mysql");

  /** Connects on first use. Throws on a URL that is none. The schema is brought by `migrateUp`. */
  constructor(options: MysqlRollupStoreOptions, place: LayoutPlace = ONLY_DATABASE) {
    this.#database = new MysqlDatabase(options);
    this.alerts = new MysqlAlertStore(this.#database);
    this.layouts = new MysqlLayoutStore(this.#database, place);
  }

  birth(): Promise<Result<number>> {
    return this.#answer(async (session) => {
      const [row] = await session.rows("SELECT applied_at FROM schema_migrations WHERE version = 1", []);
      if (row === undefined) return retryable("unavailable", "migration 1 has not run");
      return success(Number(row["applied_at"]));
    });
  }

  offset(shard: number): Promise<Result<ShardOffset>> {
    return this.#answer(async (session) => {
      const stored = await readOffset(session, shard);
      if (stored !== undefined) return success(stored);
      await session.run(`${MAKE_OFFSET} ON DUPLICATE KEY UPDATE shard = ingest_offset.shard`, [shard, shard]);
      const made = await readOffset(session, shard);
      return made === undefined ? noSuchShard(shard) : success(made);
    });
  }

  advanceGeneration(
    shard: number,
    from: ShardOffset,
    { generation, logIdentity }: Pick<ShardOffset, "generation" | "logIdentity">,
  ): Promise<Result<void>> {
    return this.#answer(async (session) => {
      const changed = await session.run(
        "UPDATE ingest_offset SET generation = ?, log_identity = ? WHERE shard = ? AND generation = ? AND last_id = ?",
        [generation, logIdentity, shard, from.generation, from.lastId],
      );
      return changed === 1 ? success(undefined) : offsetElsewhere(shard, from.lastId);
    });
  }

  finish(shard: number, { generation, lastId }: ShardOffset): Promise<Result<void>> {
    return this.#answer(async (session) => {
      const changed = await session.run(FINISH_SHARD, [shard, generation, lastId]);
      return changed === 1 ? success(undefined) : offsetElsewhere(shard, lastId);
    });
  }

  counterState(stateKeys: readonly string[], atLeast?: SeenCommits): Promise<Result<readonly CounterStateRow[]>> {
    return this.#answer(async (session) => {
      const found: CounterStateRow[] = [];
      for (const keys of paddedChunks(stateKeys, MAX_KEYS_PER_SELECT, (key) => key)) {
        for (const row of await readCounterState(session, keys, atLeast)) {
          found.push({
            stateKey: String(row["state_key"]),
            slot: Number(row["slot"]),
            state: row["state"] as Buffer,
            touchedAt: Number(row["touched_at"]),
          });
        }
      }
      return success(found);
    });
  }

  ledger(slots: ShardSlots, receivedAtOrAfter: number, commits = 0): Promise<Result<LedgerPage>> {
    return this.#answer(async (session) => success(await readLedger(session, slots, commits, receivedAtOrAfter)));
  }

  async commit(commit: ShardCommit): Promise<Result<void>> {
    const checked = checkCommit(commit);
    if (checked.kind !== "success") return checked;
    return this.#answerInTurn(async (session) => {
      if (await this.#writer.write(session, commit)) return success(undefined);
      return offsetElsewhere(commit.shard, commit.offset.fromId);
    });
  }

  maintain(nowSeconds: number, retentionSeconds: number): Promise<Result<void>> {
    return this.#answerInTurn(async (session) => success(await maintainMysql(session, nowSeconds, retentionSeconds)));
  }

  maintainedAt(): Promise<Result<number>> {
    return this.#answer(async (session) => {
      const [row] = await session.rows(MAINTAINED_AT_SQL, []);
      return success(Number(row?.["maintained_at"]));
    });
  }

  ready(): Promise<Result<void>> {
    return this.#answer(async (session) => {
      const rows = await session.rows("SELECT version FROM schema_migrations", []);
      const missing = missingMigrations(
        this.#migrations,
        rows.map((row) => Number(row["version"])),
      );
      return missing === undefined ? success(undefined) : retryable("unavailable", missing);
    });
  }

  rows(granularity: Granularity, fromSeconds: number, toSeconds: number): Promise<Result<readonly RollupRow[]>> {
    return this.#answer(async (session) => {
      const table = ROLLUP_TABLES.find((candidate) => candidate.granularity.name === granularity);
      if (table === undefined) throw new Error(`there is no granularity ${granularity}`);
      const rows = await session.rows(
        `SELECT * FROM ${table.name} JOIN series USING (series_id)
         WHERE bucket_start >= ? AND bucket_start < ? ORDER BY bucket_start, series_id`,
        [fromSeconds, toSeconds],
      );
      return success(rows.map((row) => rollupRow(row)));
    });
  }

  statementCounts(): { readonly writes: number; readonly reads: number } {
    return this.#database.counter.counts();
  }

  close(): Promise<void> {
    return this.#database.close();
  }

  #answer<T>(work: (session: MysqlSession) => Promise<Result<T>>): Promise<Result<T>> {
    return answered(this.#database.withSession(work));
  }

  #answerInTurn<T>(work: (session: MysqlSession) => Promise<Result<T>>): Promise<Result<T>> {
    return answered(this.#database.withSessionForLong(work));
  }
}

async function answered<T>(pending: Promise<Result<T>>): Promise<Result<T>> {
  try {
    return await pending;
  } catch (error) {
    const hint = isRefusedByGroup(error)
      ? " (the server's error log says why; if it is the size, doctor says what to set)"
      : "";
    return retryable("unavailable", `MySQL: ${messageOf(error)}${hint}`);
  }
}

async function readOffset(session: MysqlSession, shard: number): Promise<ShardOffset | undefined> {
  const columns = "generation, last_id, log_identity, persisted_at, commits, layout, finished";
  const [row] = await session.rows(`SELECT ${columns} FROM ingest_offset WHERE shard = ?`, [shard]);
  if (row === undefined) return undefined;
  return {
    generation: Number(row["generation"]),
    lastId: String(row["last_id"]),
    logIdentity: String(row["log_identity"] ?? ""),
    persistedAt: Number(row["persisted_at"]),
    commits: Number(row["commits"]),
    layout: Number(row["layout"]),
    isFinished: Number(row["finished"]) === 1,
  };
}

function rollupRow(row: MysqlRow): RollupRow {
  const values = ROLLUP_COLUMNS.map((column) => [column.name, exactValue(column, row[column.name])] as const);
  const dimensions = SERIES_COLUMNS.map(([column, name]) => [name, row[column]] as const);
  return {
    bucketStart: Number(row["bucket_start"]),
    seriesId: BigInt(String(row["series_id"])),
    dimensions: Object.fromEntries(dimensions) as unknown as SeriesDimensions,
    values: Object.fromEntries(values),
    requests: BigInt(String(row["requests"])),
    errors: BigInt(String(row["errors"])),
    latency: histogramFromJson(String(row["latency_histogram"])),
  };
}

function exactValue({ kind }: RollupColumn, value: MysqlRow[string] | undefined): bigint | number {
  if (kind === "seconds") return Number(value);
  // DECIMAL(20,3) comes as text with three decimals: without the point it is milliseconds.
  return BigInt(kind === "millis" ? String(value).replace(".", "") : String(value));
}
