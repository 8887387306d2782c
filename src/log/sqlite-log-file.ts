/**
 * The file of the SQLite log, of all shards: its tables and statements. Appends of one tick, whatever their shard, are one
 * transaction, because making it durable costs the same for one as for a hundred.
 */
import { DatabaseSync } from "node:sqlite";
import type { StatementSync } from "node:sqlite";
import type { LogEntryInput, LogOpening } from "../model/ingest-log.ts";
import { messageOf, retryable, success } from "../model/result.ts";
import type { Result, Retryable } from "../model/result.ts";

const SCHEMA = `
CREATE TABLE IF NOT EXISTS ingest_log (
  shard INTEGER NOT NULL,
  seq INTEGER NOT NULL,
  body BLOB NOT NULL,
  body_hash BLOB NOT NULL,
  content_type TEXT NOT NULL,
  encoding TEXT NOT NULL,
  received_at_millis INTEGER NOT NULL,
  meeting TEXT,
  participant TEXT,
  PRIMARY KEY (shard, seq)
) STRICT;
CREATE TABLE IF NOT EXISTS ingest_log_shard (
  shard INTEGER PRIMARY KEY,
  last_seq INTEGER NOT NULL,
  generation INTEGER NOT NULL DEFAULT 0,
  identity TEXT NOT NULL DEFAULT '',
  layout INTEGER NOT NULL DEFAULT 1
) STRICT;
`;

/** Others may read while we write; every commit is on the disk before it returns; a burst does not leave a large file behind. */
const SETTINGS =
  "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA busy_timeout = 2000; PRAGMA journal_size_limit = 67108864";

const INSERT =
  "INSERT INTO ingest_log (shard, seq, body, body_hash, content_type, encoding, received_at_millis, meeting, participant)" +
  " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)";
const SAVE_LAST =
  "INSERT INTO ingest_log_shard (shard, last_seq) VALUES (?, ?) ON CONFLICT (shard) DO UPDATE SET last_seq = excluded.last_seq";

const OPEN =
  "INSERT INTO ingest_log_shard (shard, last_seq, generation, identity, layout) VALUES (?, ?, ?, ?, ?) ON CONFLICT (shard) DO UPDATE" +
  " SET last_seq = max(last_seq, excluded.last_seq), generation = excluded.generation, identity = excluded.identity, layout = excluded.layout";

/** A row of `ingest_log`. */
export interface LogRow {
  readonly seq: number;
  readonly body: Uint8Array;
  readonly body_hash: Uint8Array;
  readonly content_type: string;
  readonly encoding: string;
  readonly received_at_millis: number;
  readonly meeting: string | null;
  readonly participant: string | null;
}

/** An append that waits for the next transaction. */
export interface PendingAppend {
  readonly shard: number;
  readonly entry: LogEntryInput;
  /** Called once: with the entry's number when it is durable, with the fault when it is not there. */
  readonly settle: (outcome: Result<number>) => void;
}

/** A number of entries and the bytes of their bodies. */
export interface EntryTotals {
  readonly entries: number;
  readonly bytes: number;
}

/** What a shard holds, and the highest number that was ever durable. */
export interface ShardTotals extends EntryTotals {
  readonly lastSeq: number;
  /** Of the shard's last opening; 0 and empty before the first. */
  readonly generation: number;
  readonly identity: string;
}

/** The open file. Methods but `append` run at once and throw the database's error. */
export class SqliteLogFile {
  readonly #database: DatabaseSync;
  readonly #insert: StatementSync;
  readonly #saveLast: StatementSync;
  readonly #selectLast: StatementSync;
  readonly #select: StatementSync;
  readonly #measure: StatementSync;
  readonly #endOfStep: StatementSync;
  readonly #delete: StatementSync;
  #pending: PendingAppend[] = [];

  /** Opens or creates the file. Throws when it cannot be used. */
  constructor(path: string) {
    this.#database = new DatabaseSync(path);
    try {
      this.#database.exec(SETTINGS);
      this.#database.exec(SCHEMA);
      upgrade(this.#database);
      this.#insert = this.#database.prepare(INSERT);
      this.#saveLast = this.#database.prepare(SAVE_LAST);
      this.#selectLast = this.#database.prepare("SELECT last_seq FROM ingest_log_shard WHERE shard = ?");
      this.#select = this.#database.prepare(
        "SELECT * FROM ingest_log WHERE shard = ? AND seq > ? ORDER BY seq LIMIT ?",
      );
      this.#measure = this.#database.prepare(
        "SELECT COUNT(*) AS entries, COALESCE(SUM(LENGTH(body)), 0) AS bytes FROM ingest_log WHERE shard = ? AND seq <= ?",
      );
      this.#endOfStep = this.#database.prepare(
        "SELECT MAX(seq) AS seq FROM (SELECT seq FROM ingest_log WHERE shard = ? AND seq <= ? ORDER BY seq LIMIT ?)",
      );
      this.#delete = this.#database.prepare("DELETE FROM ingest_log WHERE shard = ? AND seq <= ?");
    } catch (error) {
      this.#database.close();
      throw error;
    }
  }

  /** What the file says about a shard. */
  totals(shard: number): ShardTotals {
    const known = this.#database.prepare("SELECT * FROM ingest_log_shard WHERE shard = ?").get(shard);
    return {
      ...this.measure(shard, Number.MAX_SAFE_INTEGER),
      lastSeq: Number(known?.["last_seq"] ?? 0),
      generation: Number(known?.["generation"] ?? 0),
      identity: String(known?.["identity"] ?? ""),
    };
  }

  /** Saves what a shard was opened for; numbers go on above `lastSeq`. */
  open(
    shard: number,
    { generation, identity, layout }: Omit<LogOpening, "storage" | "afterId">,
    lastSeq: number,
  ): void {
    this.flush();
    this.#database.prepare(OPEN).run(shard, lastSeq, generation, identity, layout);
  }

  /** Entries and body bytes of a shard up to and including `throughSeq`. Reads no bodies. */
  measure(shard: number, throughSeq: number): EntryTotals {
    const row = this.#measure.get(shard, throughSeq);
    return { entries: Number(row?.["entries"] ?? 0), bytes: Number(row?.["bytes"] ?? 0) };
  }

  /** Rows above `afterSeq`, oldest first, one at a time. */
  rows(shard: number, afterSeq: number, limit: number): Iterable<LogRow> {
    return this.#select.iterate(shard, afterSeq, limit) as unknown as Iterable<LogRow>;
  }

  /** Deletes a shard's oldest rows up to and including `throughSeq`, at most `limit`, and says what went. */
  deleteOldest(shard: number, throughSeq: number, limit: number): EntryTotals {
    const lastOfStep = Number(this.#endOfStep.get(shard, throughSeq, limit)?.["seq"] ?? 0);
    const gone = this.measure(shard, lastOfStep);
    if (gone.entries > 0) this.#delete.run(shard, lastOfStep);
    return gone;
  }

  /** Adds to the transaction of this tick. */
  append(append: PendingAppend): void {
    this.#pending.push(append);
    if (this.#pending.length === 1) setImmediate(() => this.flush());
  }

  /** Writes all that waits, in one transaction. Never throws. */
  flush(): void {
    const batch = this.#pending;
    if (batch.length === 0) return;
    this.#pending = [];
    const outcomes = this.#write(batch);
    for (const [index, { settle }] of batch.entries()) settle(outcomes[index]!);
  }

  /** Writes what a write needs and takes it back: throws what an append would meet. */
  probe(): void {
    this.#transaction("ROLLBACK", () => this.#saveLast.run(-1, 0));
  }

  /** Flushes and closes; later appends fail. */
  close(): void {
    this.flush();
    if (this.#database.isOpen) this.#database.close();
  }

  /** Numbers are given here, so that entries which are not there have none: the numbers of a shard have no gaps. */
  #write(batch: readonly PendingAppend[]): readonly Result<number>[] {
    try {
      const numbers: number[] = [];
      this.#transaction("COMMIT", () => {
        const last = new Map<number, number>();
        for (const { shard, entry } of batch) {
          const seq = (last.get(shard) ?? this.#lastSeq(shard)) + 1;
          this.#insertEntry(shard, seq, entry);
          last.set(shard, seq);
          numbers.push(seq);
        }
        for (const [shard, seq] of last) this.#saveLast.run(shard, seq);
      });
      return numbers.map(success);
    } catch (error) {
      const fault = sqliteFault(error);
      return batch.map(() => fault);
    }
  }

  #lastSeq(shard: number): number {
    return Number(this.#selectLast.get(shard)?.["last_seq"] ?? 0);
  }

  #transaction(end: "COMMIT" | "ROLLBACK", body: () => void): void {
    this.#database.exec("BEGIN IMMEDIATE");
    try {
      body();
      this.#database.exec(end);
    } catch (error) {
      // A full disk has rolled back already; a second ROLLBACK would hide its error.
      if (this.#database.isTransaction) this.#database.exec("ROLLBACK");
      throw error;
    }
  }

  #insertEntry(shard: number, seq: number, entry: LogEntryInput): void {
    this.#insert.run(
      shard,
      seq,
      entry.body,
      entry.bodyHash,
      entry.contentType,
      entry.encoding,
      entry.receivedAtMillis,
      entry.identity?.meeting ?? null,
      entry.identity?.participant ?? null,
    );
  }
}

/** Brings a file of an earlier format to this one. */
function upgrade(database: DatabaseSync): void {
  const has = (table: string, column: string): boolean =>
    database.prepare("SELECT 1 FROM pragma_table_info(?) WHERE name = ?").get(table, column) !== undefined;
  if (!has("ingest_log_shard", "layout"))
    database.exec("ALTER TABLE ingest_log_shard ADD COLUMN layout INTEGER NOT NULL DEFAULT 1");
  if (!has("ingest_log", "entry_key")) return;
  database.exec(`BEGIN; ALTER TABLE ingest_log DROP COLUMN entry_key;
    ALTER TABLE ingest_log_shard ADD COLUMN generation INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE ingest_log_shard ADD COLUMN identity TEXT NOT NULL DEFAULT ''; COMMIT`);
}

/** Every fault of the file is retryable: the same entry will be accepted once there is room, or the disk is back. */
export function sqliteFault(error: unknown): Retryable {
  return retryable("unavailable", `the log file cannot be used: ${messageOf(error)}`);
}
