/**
 * Opens the embedded receiver's logs: one lock, one file, a log for each shard.
 */
import { join } from "node:path";
import type { IngestLog, LogLimits } from "../model/ingest-log.ts";
import { success } from "../model/result.ts";
import { FIRST_LAYOUT } from "../model/shard-layout.ts";
import type { Result } from "../model/result.ts";
import { lockDirectory } from "./directory-lock.ts";
import { SqliteLog } from "./sqlite-log.ts";
import { SqliteLogFile, sqliteFault } from "./sqlite-log-file.ts";

/** What {@link openSqliteLogs} opens. */
export interface SqliteLogsOptions {
  /** `DATA_DIR`; on a local disk, created if need be. */
  readonly dataDirectory: string;
  /** For each shard. */
  readonly limits: LogLimits;
  /** Random text without spaces, another one with every call. */
  readonly storage: string;
  /** Bodies read at once, bytes. Default 16 MiB. */
  readonly maxReadBytes?: number;
}

/** The open file. */
export interface SqliteLogs {
  /**
   * The logs of shards 0 up to this number, by shard number, for one layout. The same objects each time, and those of another layout
   * must not be used any more: a log counts what it holds.
   */
  logs(shardCount: number, layout?: number): readonly IngestLog[];
  /** Writes what waits, closes the file and gives the lock up. */
  close(): void;
}

/** The name of the file in `DATA_DIR`. */
export const LOG_FILE = "ingest-log.db";

/**
 * Locks the directory and opens the file. Failure `conflict` naming who holds the lock, retryable `unavailable` when the disk
 * refuses or the file cannot be read.
 */
export function openSqliteLogs(options: SqliteLogsOptions): Result<SqliteLogs> {
  const lock = lockDirectory(options.dataDirectory);
  if (lock.kind !== "success") return lock;
  let file: SqliteLogFile | undefined;
  try {
    file = new SqliteLogFile(join(options.dataDirectory, LOG_FILE));
    const open = file;
    const opened = new Map<string, SqliteLog>();
    const logOf = (shard: number, layout: number): SqliteLog => {
      const key = `${layout} ${shard}`;
      const log = opened.get(key) ?? openShard(open, shard, layout, options);
      opened.set(key, log);
      return log;
    };
    // Whether the file can be read is seen now.
    logOf(0, FIRST_LAYOUT);
    const logs = (shardCount: number, layout: number = FIRST_LAYOUT): readonly SqliteLog[] =>
      Array.from({ length: shardCount }, (_, shard) => logOf(shard, layout));
    const close = (): void => {
      open.close();
      lock.value.release();
    };
    return success({ logs, close });
  } catch (error) {
    file?.close();
    lock.value.release();
    return sqliteFault(error);
  }
}

function openShard(file: SqliteLogFile, shard: number, layout: number, options: SqliteLogsOptions): SqliteLog {
  const { limits, storage, maxReadBytes } = options;
  return new SqliteLog({
    file,
    shard,
    layout,
    limits,
    storage,
    ...(maxReadBytes === undefined ? {} : { maxReadBytes }),
  });
}
