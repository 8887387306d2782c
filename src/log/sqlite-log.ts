/**
 * The ingest log of one shard of an embedded receiver, in a SQLite file next to it. One process writes; others may read.
 */
import type {
  AppendedEntry,
  BodyContentType,
  BodyEncoding,
  IngestLog,
  LogEntry,
  LogEntryInput,
  LogLimits,
  LogOpening,
  LogStatus,
} from "../model/ingest-log.ts";
import { failure, retryable, success } from "../model/result.ts";
import type { Result } from "../model/result.ts";
import { parseLogId } from "../model/log-id.ts";
import { sqliteFault } from "./sqlite-log-file.ts";
import type { LogRow, SqliteLogFile } from "./sqlite-log-file.ts";

/** What a {@link SqliteLog} is made of. */
export interface SqliteLogOptions {
  readonly file: SqliteLogFile;
  readonly shard: number;
  readonly limits: LogLimits;
  /** The `ShardLayout.epoch` that appends are of. */
  readonly layout: number;
  /** Random text without spaces: another one whenever the file is opened. */
  readonly storage: string;
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
  /** The highest number that is durable or was given away by an opening; 0 when there never was one. */
  #last: number;
  #generation: number;
  #identity: string;
  /** False until this process opens it: the file may be an old copy, whose numbers are behind the totals. */
  #isOpen = false;
  #isSuperseded = false;
  #isSealed = false;
  /** Whether this process has opened it, whatever became of it then. */
  #wasOpened = false;
  /** Whose entries it takes. */
  #openLayout = 0;

  /** Counts what the file holds. Throws when the file cannot be read. */
  constructor(options: SqliteLogOptions) {
    const totals = options.file.totals(options.shard);
    this.#options = options;
    this.#entries = totals.entries;
    this.#bytes = totals.bytes;
    this.#last = totals.lastSeq;
    this.#generation = totals.generation;
    this.#identity = totals.identity;
  }

  async open({ generation, identity, storage, afterId, layout }: LogOpening): Promise<Result<void>> {
    const { file, shard } = this.#options;
    if (storage !== this.#options.storage) return retryable("unavailable", "the log was opened again meanwhile");
    if (generation < this.#generation || (this.#isSealed && generation === this.#generation)) {
      return failure("conflict", `the log was opened for generation ${this.#generation}, which is later`);
    }
    try {
      this.#last = Math.max(this.#last, toSeq(afterId));
      file.open(shard, { generation, identity, layout }, this.#last);
      this.#generation = generation;
      this.#identity = identity;
      this.#isOpen = true;
      this.#wasOpened = true;
      this.#openLayout = layout;
      this.#isSealed = false;
      this.#isSuperseded = false;
      return success(undefined);
    } catch (error) {
      return sqliteFault(error);
    }
  }

  async supersede(generation: number): Promise<Result<void>> {
    if (generation !== this.#generation) return success(undefined);
    this.#isOpen = false;
    this.#isSealed = false;
    this.#isSuperseded = true;
    return success(undefined);
  }

  async seal(generation: number): Promise<Result<void>> {
    if (generation !== this.#generation || generation === 0 || this.#isSuperseded) return success(undefined);
    this.#isOpen = false;
    this.#isSealed = true;
    // What was taken before is read as well.
    this.#options.file.flush();
    return success(undefined);
  }

  async append(entry: LogEntryInput): Promise<Result<AppendedEntry>> {
    const { file, shard, limits } = this.#options;
    const size = entry.body.length;
    if (size > limits.maxBytes) {
      return failure("too_large", `a body of ${size} bytes is larger than the whole log (${limits.maxBytes})`);
    }
    const refusal = this.#refusal(size);
    if (refusal) return refusal;
    this.#count(1, size);
    const generation = this.#generation;
    return await new Promise((resolve) => {
      const settle = (number: Result<number>): void => {
        if (number.kind !== "success") {
          this.#count(-1, -size);
          resolve(number);
          return;
        }
        this.#last = Math.max(this.#last, number.value);
        resolve(success({ id: toId(number.value), generation }));
      };
      file.append({ shard, entry, settle });
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
    return success({
      entries: this.#entries,
      bytes: this.#bytes,
      lastId: toId(this.#last),
      isOpen: this.#isOpen && this.#openLayout === this.#options.layout,
      isSuperseded: this.#isSuperseded,
      wasOpenedHere: this.#isOpen || (this.#isSealed && this.#wasOpened),
      storage: this.#options.storage,
      generation: this.#generation,
      identity: this.#identity,
    });
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
    if (!this.#isOpen || this.#openLayout !== this.#options.layout)
      return retryable("unavailable", "the shard's owner has not opened the log yet");
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
  };
  if (row.meeting === null || row.participant === null) return entry;
  return { ...entry, identity: { meeting: row.meeting, participant: row.participant } };
}
