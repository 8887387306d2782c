/**
 * The totals in a SQLite file, for the embedded receiver. Other processes may read the file while this one writes it.
 */
import type { SeriesDimensions } from "../model/dimensions.ts";
import type { AlertStore } from "../model/alert-store.ts";
import { histogramFromJson } from "../model/latency-histogram.ts";
import { messageOf, retryable, success } from "../model/result.ts";
import type { Result } from "../model/result.ts";
import { ROLLUP_COLUMNS } from "../model/rollup-columns.ts";
import type {
  CounterStateRow,
  Granularity,
  LedgerPage,
  RollupReader,
  RollupRow,
  RollupStore,
  ShardCommit,
  ShardOffset,
} from "../model/rollup-store.ts";
import { LEDGER_PAGE_SECONDS } from "../model/rollup-store.ts";
import type { LayoutStore, ShardSlots } from "../model/shard-layout.ts";
import { checkCommit } from "./check-commit.ts";
import { FINISH_SHARD, MAKE_OFFSET } from "./layout-statements.ts";
import { missingMigrations } from "./migrate.ts";
import { loadMigrations } from "./migration.ts";
import type { Migration } from "./migration.ts";
import { noSuchShard, offsetElsewhere } from "./offset-elsewhere.ts";
import { SqliteAlertStore } from "./sqlite-alert-store.ts";
import { MAINTAINED_AT_SQL } from "./retention.ts";
import { SERIES_COLUMNS } from "./side-rows.ts";
import { slotFilter } from "./slot-filter.ts";
import { sqliteColumn, writeSqliteCommit } from "./sqlite-commit.ts";
import { SqliteErasures } from "./sqlite-erasures.ts";
import { SqliteLayoutStore } from "./sqlite-layout-store.ts";
import { maintainSqlite } from "./sqlite-maintenance.ts";
import { SqliteSession } from "./sqlite-session.ts";
import type { SqliteRow, SqliteSessionOptions } from "./sqlite-session.ts";
import { ROLLUP_TABLES } from "./totals-table.ts";

/** Options of {@link openSqliteRollupStore}. */
export type SqliteRollupStoreOptions = SqliteSessionOptions;

/** Opens the store. Retryable `unavailable` when the file cannot be opened. The schema is brought by `migrateUp`. */
export function openSqliteRollupStore(options: SqliteRollupStoreOptions): Result<SqliteRollupStore> {
  try {
    return success(new SqliteRollupStore(new SqliteSession(options)));
  } catch (error) {
    return unavailable(error);
  }
}

/** The totals' store on SQLite. */
export class SqliteRollupStore implements RollupStore, RollupReader {
  /** The alerts and the layout in the same file; they end with `close`. */
  readonly alerts: AlertStore;
  readonly layouts: LayoutStore;
  readonly #session: SqliteSession;
  readonly #erasures = new SqliteErasures();
  readonly #migrations: readonly Migration[] = loadMigrations("sqlite");
  #closed = false;

  /** Takes over the session and ends it with `close`. */
  constructor(session: SqliteSession) {
    this.#session = session;
    this.alerts = new SqliteAlertStore(() => this.#open());
    this.layouts = new SqliteLayoutStore(() => this.#open());
  }

  async birth(): Promise<Result<number>> {
    return this.#answer(() => {
      const row = this.#session.get("SELECT applied_at FROM schema_migrations WHERE version = 1", []);
      if (row === undefined) return retryable("unavailable", "migration 1 has not run");
      return success(Number(row["applied_at"]));
    });
  }

  async offset(shard: number): Promise<Result<ShardOffset>> {
    return this.#answer(() => {
      this.#session.run(`${MAKE_OFFSET} ON CONFLICT (shard) DO NOTHING`, [shard, shard]);
      const row = this.#session.get("SELECT * FROM ingest_offset WHERE shard = ?", [shard]);
      if (row === undefined) return noSuchShard(shard);
      return success({
        generation: Number(row["generation"]),
        lastId: String(row["last_id"]),
        logIdentity: String(row["log_identity"] ?? ""),
        persistedAt: Number(row["persisted_at"]),
        commits: Number(row["commits"]),
        layout: Number(row["layout"]),
        isFinished: Number(row["finished"]) === 1,
      });
    });
  }

  async advanceGeneration(
    shard: number,
    from: ShardOffset,
    { generation, logIdentity }: Pick<ShardOffset, "generation" | "logIdentity">,
  ): Promise<Result<void>> {
    return this.#answer(() => {
      const changed = this.#session.run(
        "UPDATE ingest_offset SET generation = ?, log_identity = ? WHERE shard = ? AND generation = ? AND last_id = ?",
        [generation, logIdentity, shard, from.generation, from.lastId],
      );
      return changed === 1 ? success(undefined) : offsetElsewhere(shard, from.lastId);
    });
  }

  async finish(shard: number, { generation, lastId }: ShardOffset): Promise<Result<void>> {
    return this.#answer(() => {
      const changed = this.#session.run(FINISH_SHARD, [shard, generation, lastId]);
      return changed === 1 ? success(undefined) : offsetElsewhere(shard, lastId);
    });
  }

  async counterState(stateKeys: readonly string[]): Promise<Result<readonly CounterStateRow[]>> {
    return this.#answer(() => {
      const rows = stateKeys.map((key) => this.#session.get("SELECT * FROM counter_state WHERE state_key = ?", [key]));
      return success(
        rows
          .filter((row) => row !== undefined)
          .map((row) => ({
            stateKey: String(row["state_key"]),
            slot: Number(row["slot"]),
            state: row["state"] as Uint8Array,
            touchedAt: Number(row["touched_at"]),
          })),
      );
    });
  }

  async ledger(slots: ShardSlots, receivedAtOrAfter: number): Promise<Result<LedgerPage>> {
    const before = receivedAtOrAfter + LEDGER_PAGE_SECONDS;
    return this.#answer(() => {
      const found = this.#session.all(
        `SELECT slot, entries, received_at FROM ingest_ledger
         WHERE ${slotFilter(slots)} AND received_at >= ? AND received_at < ?
         ORDER BY received_at, shard, generation, last_id, position`,
        [receivedAtOrAfter, before],
      );
      const [next] = this.#session.all(
        `SELECT MIN(received_at) AS next FROM ingest_ledger WHERE ${slotFilter(slots)} AND received_at >= ?`,
        [before],
      );
      const rows = found.map((row) => ({
        slot: Number(row["slot"]),
        entries: row["entries"] as Uint8Array,
        receivedAt: Number(row["received_at"]),
      }));
      return success({ rows, nextReceivedAt: next?.["next"] == null ? undefined : Number(next["next"]) });
    });
  }

  async commit(commit: ShardCommit): Promise<Result<void>> {
    const checked = checkCommit(commit);
    if (checked.kind !== "success") return checked;
    return this.#answer(() => {
      if (writeSqliteCommit(this.#session, this.#erasures, commit)) return success(undefined);
      return offsetElsewhere(commit.shard, commit.offset.fromId);
    });
  }

  /** There are no partitions to prepare: the first time is not needed. */
  async maintain(_nowSeconds: number, retentionSeconds: number): Promise<Result<void>> {
    try {
      await maintainSqlite(() => this.#open(), retentionSeconds);
      return success(undefined);
    } catch (error) {
      return unavailable(error);
    }
  }

  async maintainedAt(): Promise<Result<number>> {
    return this.#answer(() => success(Number(this.#session.get(MAINTAINED_AT_SQL, [])?.["maintained_at"])));
  }

  async ready(): Promise<Result<void>> {
    return this.#answer(() => {
      const rows = this.#session.all("SELECT version FROM schema_migrations", []);
      const missing = missingMigrations(
        this.#migrations,
        rows.map((row) => Number(row["version"])),
      );
      return missing === undefined ? success(undefined) : retryable("unavailable", missing);
    });
  }

  async rows(granularity: Granularity, fromSeconds: number, toSeconds: number): Promise<Result<readonly RollupRow[]>> {
    return this.#answer(() => {
      const table = ROLLUP_TABLES.find((candidate) => candidate.granularity.name === granularity);
      if (table === undefined) throw new Error(`there is no granularity ${granularity}`);
      const rows = this.#session.all(
        `SELECT * FROM ${table.name} JOIN series USING (series_id)
         WHERE bucket_start >= ? AND bucket_start < ? ORDER BY bucket_start, series_id`,
        [fromSeconds, toSeconds],
      );
      return success(rows.map((row) => rollupRow(row)));
    });
  }

  statementCounts(): { readonly writes: number; readonly reads: number } {
    return this.#session.counter.counts();
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#session.close();
  }

  #open(): SqliteSession {
    if (this.#closed) throw new Error("the store is closed");
    return this.#session;
  }

  #answer<T>(work: () => Result<T>): Result<T> {
    try {
      this.#open();
      return work();
    } catch (error) {
      return unavailable(error);
    }
  }
}

function rollupRow(row: SqliteRow): RollupRow {
  const values = ROLLUP_COLUMNS.map((column) => [column.name, row[sqliteColumn(column)] as bigint | number] as const);
  const dimensions = SERIES_COLUMNS.map(([column, name]) => {
    const value = row[column];
    return [name, typeof value === "bigint" ? Number(value) : value] as const;
  });
  return {
    bucketStart: Number(row["bucket_start"]),
    seriesId: row["series_id"] as bigint,
    dimensions: Object.fromEntries(dimensions) as unknown as SeriesDimensions,
    values: Object.fromEntries(values),
    requests: row["requests"] as bigint,
    errors: row["errors"] as bigint,
    latency: histogramFromJson(String(row["latency_histogram"])),
  };
}

function unavailable(error: unknown): Result<never> {
  return retryable("unavailable", `SQLite: ${messageOf(error)}`);
}
