/**
 * The ingest log of one shard on a Redis Stream. Entries are never trimmed to make room: a full log refuses.
 * Needs Redis 6.2 or later; `redis-durability` tells whether it keeps what it acknowledges.
 */
import type { Redis } from "ioredis";
import { systemClock } from "../model/clock.ts";
import type { Clock } from "../model/clock.ts";
import { LOG_START } from "../model/ingest-log.ts";
import type {
  AppendedEntry,
  IngestLog,
  LogEntry,
  LogEntryInput,
  LogLimits,
  LogOpening,
  LogStatus,
} from "../model/ingest-log.ts";
import { failure, retryable, success } from "../model/result.ts";
import type { Result } from "../model/result.ts";
import { AppendQueue } from "./append-queue.ts";
import { FIRST_LAYOUT } from "../model/shard-layout.ts";
import { nextLogId, parseLogId } from "../model/log-id.ts";
import { encodeMeta, readableEntries } from "./redis-entry.ts";
import { redisFault } from "./redis-fault.ts";
import { closedLog, refusalOf } from "./redis-log-refusal.ts";
import {
  ANOTHER_SERVER,
  APPEND_SCRIPT,
  CLOSED,
  OPENED_LATER,
  OPEN_SCRIPT,
  SEAL_SCRIPT,
  STATUS_SCRIPT,
  SUPERSEDED,
  SUPERSEDE_SCRIPT,
  TRIM_SCRIPT,
  WRITABLE_SCRIPT,
} from "./redis-log-scripts.ts";
import type { RedisRoute } from "./redis-route.ts";
import { RedisScript } from "./redis-script.ts";
import { ReplicaConfirmation } from "./replica-confirmation.ts";
import type { ReplicaConfirmationOptions } from "./replica-confirmation.ts";

/** What a {@link RedisStreamLog} is made of. */
export interface RedisStreamLogOptions {
  /** The way to the shard, over connections that as many logs share as there are. */
  readonly redis: RedisRoute;
  readonly shard: number;
  readonly limits: LogLimits;
  /** The `ShardLayout.epoch` that appends are of. Default: the first. */
  readonly layout?: number;
  /** Makes entries count as logged, and readable, only once replicas have them. Default: the primary alone decides. */
  readonly confirmation?: ReplicaConfirmationOptions;
  /** Bodies read at once, bytes; one entry is always read, however big. Default 16 MiB. */
  readonly maxReadBytes?: number;
  /** Bytes waiting for the connection above which `append` answers `overloaded`. Default 64 MiB. */
  readonly maxUnsentBytes?: number;
  /** Body bytes of one batch of appends; a larger body goes alone. Default 1 MiB. */
  readonly maxBatchBytes?: number;
  /** Entries of one batch of appends: a script holds all other clients of Redis up. Default 256. */
  readonly maxBatchEntries?: number;
  /** Default: the clock of the machine. */
  readonly clock?: Clock;
  /** Told the id of an entry that this project did not write; it is read as an empty body. */
  readonly onForeignEntry?: (id: string) => void;
}

const DEFAULT_MAX_READ_BYTES = 16 * 1024 * 1024;
const DEFAULT_MAX_UNSENT_BYTES = 64 * 1024 * 1024;
const DEFAULT_MAX_BATCH_BYTES = 1024 * 1024;
const DEFAULT_MAX_BATCH_ENTRIES = 256;
const MAX_DELAY_MILLIS = 5;
const FIRST_READ_COUNT = 8;

/** The ingest log of one shard on a Redis Stream. Keys carry the shard's hash tag, so they share a slot in a cluster. */
export class RedisStreamLog implements IngestLog {
  readonly #options: RedisStreamLogOptions;
  /** Where entries are appended: Redis holds this connection still while replicas are waited for. */
  readonly #appending: RedisRoute;
  readonly #confirmation: ReplicaConfirmation | undefined;
  readonly #keys: readonly [stream: string, size: string];
  readonly #probeKey: string;
  readonly #layout: number;
  readonly #open: RedisScript;
  readonly #supersede: RedisScript;
  readonly #seal: RedisScript;
  readonly #append: RedisScript;
  readonly #queue: AppendQueue;
  readonly #trim: RedisScript;
  readonly #status: RedisScript;
  readonly #writable: RedisScript;
  /** Entries asked for at once: grows while bodies are small, so that one big body after another cannot fill the memory. */
  #readCount: number = FIRST_READ_COUNT;

  /** Sends nothing; see {@link RedisStreamLog.prepare}. */
  constructor(options: RedisStreamLogOptions) {
    const prefix = `otel-bandwidth:{${options.shard}}:log`;
    this.#options = options;
    this.#appending = options.confirmation?.redis ?? options.redis;
    this.#confirmation = options.confirmation && new ReplicaConfirmation(options.confirmation);
    this.#keys = [prefix, `${prefix}:size`];
    this.#layout = options.layout ?? FIRST_LAYOUT;
    this.#probeKey = `${prefix}:probe`;
    this.#open = new RedisScript(options.redis, OPEN_SCRIPT);
    this.#supersede = new RedisScript(options.redis, SUPERSEDE_SCRIPT);
    this.#seal = new RedisScript(options.redis, SEAL_SCRIPT);
    this.#append = new RedisScript(this.#appending, APPEND_SCRIPT);
    this.#queue = new AppendQueue({
      clock: options.clock ?? systemClock,
      maxBatchBytes: options.maxBatchBytes ?? DEFAULT_MAX_BATCH_BYTES,
      maxBatchEntries: options.maxBatchEntries ?? DEFAULT_MAX_BATCH_ENTRIES,
      maxDelayMillis: MAX_DELAY_MILLIS,
      maxWaitMillis: options.redis.commandTimeoutMillis,
      send: (entries) => this.#appendAll(entries),
    });
    this.#trim = new RedisScript(options.redis, TRIM_SCRIPT);
    this.#status = new RedisScript(options.redis, STATUS_SCRIPT);
    this.#writable = new RedisScript(options.redis, WRITABLE_SCRIPT);
  }

  /** Makes Redis know the scripts before the first append. Optional; retryable `unavailable`. */
  async prepare(): Promise<Result<void>> {
    return await attempt(async () => {
      for (const script of [this.#open, this.#append, this.#trim, this.#status, this.#writable]) await script.load();
      return success(undefined);
    });
  }

  async open({ generation, identity, storage, afterId, layout }: LogOpening): Promise<Result<void>> {
    const [after] = parseLogId(afterId);
    return await attempt(async () => {
      const reply = await this.#open.run(this.#keys, [generation, identity, String(after), storage, layout]);
      if (reply === OPENED_LATER) {
        return failure("conflict", `the log was opened for a later generation than ${generation}`);
      }
      if (reply === ANOTHER_SERVER) return retryable("unavailable", "Redis has changed while the log was being opened");
      return success(undefined);
    });
  }

  async supersede(generation: number): Promise<Result<void>> {
    return await attempt(async () => {
      await this.#supersede.run(this.#keys, [generation]);
      return success(undefined);
    });
  }

  async seal(generation: number): Promise<Result<void>> {
    return await attempt(async () => {
      await this.#seal.run(this.#keys, [generation]);
      return success(undefined);
    });
  }

  async append(entry: LogEntryInput): Promise<Result<AppendedEntry>> {
    const { limits, maxUnsentBytes = DEFAULT_MAX_UNSENT_BYTES } = this.#options;
    if (entry.body.length > limits.maxBytes) {
      return failure(
        "too_large",
        `a body of ${entry.body.length} bytes is larger than the whole log (${limits.maxBytes})`,
      );
    }
    if (this.#appending.unsentBytes() + this.#queue.waitingBytes > maxUnsentBytes) {
      return retryable("overloaded", `more than ${maxUnsentBytes} bytes wait to be sent to Redis`);
    }
    return await this.#queue.append(entry);
  }

  async read(afterId: string, limit: number): Promise<Result<readonly LogEntry[]>> {
    const { maxReadBytes = DEFAULT_MAX_READ_BYTES } = this.#options;
    parseLogId(afterId);
    return await attempt(async () => {
      const entries: LogEntry[] = [];
      let bytes = 0;
      let after = afterId;
      while (entries.length < limit && bytes < maxReadBytes) {
        const count = Math.min(limit - entries.length, this.#readCount);
        const chunk = await this.#readChunk(after, count);
        let largest = 1;
        for (const entry of chunk) {
          entries.push(entry);
          bytes += entry.body.length;
          largest = Math.max(largest, entry.body.length);
        }
        if (chunk.length > 0) this.#readCount = nextReadCount(this.#readCount, maxReadBytes, largest);
        if (chunk.length < count) break;
        after = chunk.at(-1)!.id;
      }
      if (this.#confirmation === undefined || entries.length === 0) return success(entries);
      const confirmed = await this.#confirmation.allWrites(this.#probeKey);
      return confirmed.kind === "success" ? success(entries) : confirmed;
    });
  }

  async trim(throughId: string): Promise<Result<void>> {
    const keepFrom = nextLogId(throughId);
    if (throughId === LOG_START || keepFrom === undefined) return success(undefined);
    return await attempt(async () => {
      await this.#trim.run(this.#keys, [keepFrom]);
      return success(undefined);
    });
  }

  async status(): Promise<Result<LogStatus>> {
    return await attempt(async () => {
      const reply = (await this.#status.run(this.#keys, [this.#layout])) as readonly string[];
      const [entries, bytes, lastId = LOG_START, state, generation, identity = "", storage = "", wasOpenedHere] = reply;
      return success({
        entries: Number(entries),
        bytes: Number(bytes),
        lastId,
        isOpen: state !== CLOSED && state !== SUPERSEDED,
        isSuperseded: state === SUPERSEDED,
        wasOpenedHere: wasOpenedHere === "1",
        storage,
        generation: Number(generation),
        identity,
      });
    });
  }

  async writable(): Promise<Result<void>> {
    const { limits } = this.#options;
    return await attempt(async () => {
      const keys = [...this.#keys, this.#probeKey];
      const reply = String(await this.#writable.run(keys, [limits.maxEntries, limits.maxBytes, this.#layout]));
      const confirmed = await this.#confirmation?.allWrites(this.#probeKey);
      if (confirmed !== undefined && confirmed.kind !== "success") return confirmed;
      return refusalOf(reply, limits) ?? success(undefined);
    });
  }

  async #appendAll(entries: readonly LogEntryInput[]): Promise<Result<readonly Result<AppendedEntry>[]>> {
    const { limits } = this.#options;
    return await attempt(async () => {
      const values: (string | number | Buffer)[] = [limits.maxEntries, limits.maxBytes, this.#layout];
      for (const entry of entries) values.push(toBuffer(entry.body), encodeMeta(entry));
      const write = (redis: Redis): Promise<unknown> => {
        writeTogether(redis);
        return this.#append.runOn(redis, this.#keys, values);
      };
      const written = await (this.#confirmation?.confirmed(write) ?? this.#appending.run(write).then(success));
      if (written.kind !== "success") return written;
      const replies = written.value as typeof CLOSED | readonly (string | Error)[];
      if (typeof replies === "string") return closedLog();
      const generation = Number(replies[0]);
      return success(replies.slice(1).map((reply) => this.#appended(reply, generation)));
    });
  }

  #appended(reply: string | Error, generation: number): Result<AppendedEntry> {
    if (reply instanceof Error) return redisFault(reply);
    return refusalOf(reply, this.#options.limits) ?? success({ id: reply, generation });
  }

  async #readChunk(afterId: string, count: number): Promise<readonly LogEntry[]> {
    const { redis, onForeignEntry } = this.#options;
    const reply = await redis.run((connection) =>
      connection.xrangeBuffer(this.#keys[0], `(${afterId}`, "+", "COUNT", count),
    );
    return readableEntries(reply, onForeignEntry);
  }
}

/** At most twice as many as before, and no more than would fit if all were as large as the largest seen last. */
function nextReadCount(count: number, maxReadBytes: number, largestBytes: number): number {
  return Math.max(1, Math.min(count * 2, Math.floor(maxReadBytes / largestBytes)));
}

/** Commands of one tick go to the socket in one write: the driver alone makes a system call for each. */
function writeTogether(redis: Redis): void {
  const { stream } = redis;
  if (!stream || stream.writableCorked > 0) return;
  stream.cork();
  process.nextTick(() => stream.uncork());
}

async function attempt<T>(operation: () => Promise<Result<T>>): Promise<Result<T>> {
  try {
    return await operation();
  } catch (error) {
    return redisFault(error);
  }
}

function toBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
