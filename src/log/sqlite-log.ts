/**
 * The ingest log of one shard of an embedded receiver, in a SQLite file next to it. One process writes; others may read.
 */
import type {
  BodyContentType,
  BodyEncoding,
  IngestLog,
  LogEntry,
  LogEntryInput,
  LogLimits,
  LogStatus,
} from "../model/ingest-log.ts";
import { LOG_START } from "../model/ingest-log.ts";
import { failure, retryable, success } from "../model/result.ts";
import type { Result } from "../model/result.ts";
import { parseLogId } from "./log-id.ts";
import { sqliteFault } from "./sqlite-log-file.ts";
import type { LogRow, SqliteLogFile } from "./sqlite-log-file.ts";

/** What a {@link SqliteLog} is made of. */
export interface SqliteLogOptions {
  readonly file: SqliteLogFile;
  readonly shard: number;
  readonly limits: LogLimits;
  /** The number before that of a shard's very first entry. */
  readonly firstSeq: number;
  /** Bodies read at once, bytes; one entry is always read, however big. Default 16 MiB. */
  readonly maxReadBytes?: number;
}

const DEFAULT_MAX_READ_BYTES = 16 * 1024 * 1024;

/** Entries deleted at once; between two steps other work goes on, since SQLite works on this thread. */
const TRIM_STEP_ENTRIES = 500;

/** The ingest log of one shard in a SQLite file. Ids are `<number>-0`; numbers never come back, not even after a trim. */
export class SqliteLog implements IngestLog {
  readonly #options: SqliteLogOptions;
  #entries: number;
  #bytes: number;
  /** The highest number given, also to appends that are under way or failed. */
  #lastGiven: number;
  /** The highest number that is durable; 0 when there never was one. */
  #lastDurable: number;

  /** Counts what the file holds. Throws when the file cannot be read. */
  constructor(options: SqliteLogOptions) {
    const totals = options.file.totals(options.shard);
    this.#options = options;
    this.#entries = totals.entries;
    this.#bytes = totals.bytes;
    this.#lastDurable = totals.lastSeq;
    this.#lastGiven = Math.max(totals.lastSeq, totals.lastSeq === 0 ? options.firstSeq : 0);
  }

  async append(entry: LogEntryInput): Promise<Result<string>> {
    const { file, shard, limits } = this.#options;
    const size = entry.body.length;
    if (size > limits.maxBytes) {
      return failure("too_large", `a body of ${size} bytes is larger than the whole log (${limits.maxBytes})`);
    }
    const refusal = this.#refusal(size);
    if (refusal) return refusal;
    const seq = this.#lastGiven + 1;
    this.#lastGiven = seq;
    this.#count(1, size);
    return await new Promise((resolve) => {
      const settle = (fault?: Result<never>): void => {
        if (fault) this.#count(-1, -size);
        else this.#lastDurable = Math.max(this.#lastDurable, seq);
        resolve(fault ?? success(toId(seq)));
      };
      file.append({ shard, seq, entry, settle });
    });
  }

  async read(afterId: string, limit: number): Promise<Result<readonly LogEntry[]>> {
    const { file, shard, maxReadBytes = DEFAULT_MAX_READ_BYTES } = this.#options;
    const afterSeq = toSeq(afterId);
    try {
      const entries: LogEntry[] = [];
      let bytes = 0;
      for (const row of file.rows(shard, afterSeq, limit)) {
        bytes += row.body.length;
        if (entries.length > 0 && bytes > maxReadBytes) break;
        entries.push(toEntry(row));
      }
      return success(entries);
    } catch (error) {
      return sqliteFault(error);
    }
  }

  async trim(throughId: string): Promise<Result<void>> {
    const { file, shard } = this.#options;
    const throughSeq = toSeq(throughId);
    try {
      for (;;) {
        const gone = file.deleteOldest(shard, throughSeq, TRIM_STEP_ENTRIES);
        this.#count(-gone.entries, -gone.bytes);
        if (gone.entries < TRIM_STEP_ENTRIES) return success(undefined);
        await new Promise((resolve) => setImmediate(resolve));
      }
    } catch (error) {
      return sqliteFault(error);
    }
  }

  async status(): Promise<Result<LogStatus>> {
    const lastId = this.#lastDurable === 0 ? LOG_START : toId(this.#lastDurable);
    return success({ entries: this.#entries, bytes: this.#bytes, lastId });
  }

  async writable(): Promise<Result<void>> {
    const refusal = this.#refusal(1);
    if (refusal) return refusal;
    try {
      this.#options.file.probe();
      return success(undefined);
    } catch (error) {
      return sqliteFault(error);
    }
  }

  #refusal(size: number): Result<never> | undefined {
    const { maxEntries, maxBytes } = this.#options.limits;
    if (this.#entries >= maxEntries) return retryable("overloaded", `the log holds its ${maxEntries} entries`);
    if (this.#bytes + size > maxBytes) return retryable("overloaded", `the log would hold more than ${maxBytes} bytes`);
    return undefined;
  }

  #count(entries: number, bytes: number): void {
    this.#entries += entries;
    this.#bytes += bytes;
  }
}

function toId(seq: number): string {
  return `${seq}-0`;
}

/** The number of an id; ids of a Redis log lie between numbers and count as the number below. */
function toSeq(id: string): number {
  const [high] = parseLogId(id);
  return high > Number.MAX_SAFE_INTEGER ? Number.MAX_SAFE_INTEGER : Number(high);
}

function toEntry(row: LogRow): LogEntry {
  const entry: LogEntry = {
    id: toId(row.seq),
    contentType: row.content_type as BodyContentType,
    encoding: row.encoding as BodyEncoding,
    body: row.body,
    bodyHash: row.body_hash,
    receivedAtMillis: row.received_at_millis,
    entryKey: row.entry_key,
  };
  if (row.meeting === null || row.participant === null) return entry;
  return { ...entry, identity: { meeting: row.meeting, participant: row.participant } };
}
