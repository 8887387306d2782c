/**
 * Groups the appends of one log: what comes while a batch is on its way waits and goes out together when that is answered.
 * A system call, a script and an fsync then serve many entries. Those who were answered together are likely to come again
 * together: a batch waits, for a few milliseconds at most, until it holds as many beside those who came meanwhile. Alone, an
 * entry does not wait.
 */
import type { Clock, Timer } from "../model/clock.ts";
import type { AppendedEntry, LogEntryInput } from "../model/ingest-log.ts";
import { retryable } from "../model/result.ts";
import type { Result } from "../model/result.ts";

/** How an {@link AppendQueue} groups and sends. */
export interface AppendQueueOptions {
  readonly clock: Clock;
  /** Body bytes at which a batch goes out though another is still on its way. A larger entry goes alone. */
  readonly maxBatchBytes: number;
  /** Entries at which a batch goes out though another is still on its way. */
  readonly maxBatchEntries: number;
  /** A batch waits no longer than this for as many entries as the one before had, and those that waited for it, milliseconds. */
  readonly maxDelayMillis: number;
  /** An append without an answer fails after about this time, milliseconds, whether it was sent or not. */
  readonly maxWaitMillis: number;
  /** Sends a batch and gives one result an entry, in order, or one fault for all. Never rejects. */
  readonly send: (entries: readonly LogEntryInput[]) => Promise<Result<readonly Result<AppendedEntry>[]>>;
}

type Settle = (result: Result<AppendedEntry>) => void;

interface Batch {
  readonly entries: LogEntryInput[];
  /** Emptied when the batch is answered. */
  readonly settles: Settle[];
  bytes: number;
  /** Runs only for a batch that had to wait: the driver times the others. */
  timer: Timer | undefined;
}

/** The appends of one log that wait or are on their way. */
export class AppendQueue {
  readonly #options: AppendQueueOptions;
  #waiting: Batch = newBatch();
  #batchesUnderWay = 0;
  /** Entries of the batch that was answered last, and those that waited then. */
  #expectedEntries = 1;
  #flushPlanned = false;
  #delay: Timer | undefined;
  readonly #flushPlan = (): void => {
    this.#flushPlanned = false;
    this.#flushIdle();
  };

  /** Starts with nothing waiting. */
  constructor(options: AppendQueueOptions) {
    this.#options = options;
  }

  /** Body bytes that wait and were not yet given to the connection. */
  get waitingBytes(): number {
    return this.#waiting.bytes;
  }

  /** Sends the entry, now or with the next batch. Retryable `unavailable` when its answer does not come in time. */
  append(entry: LogEntryInput): Promise<Result<AppendedEntry>> {
    const { maxBatchBytes, maxBatchEntries } = this.#options;
    if (this.#waiting.bytes + entry.body.length > maxBatchBytes) this.#flush();
    const batch = this.#waiting;
    batch.entries.push(entry);
    batch.bytes += entry.body.length;
    const answer = new Promise<Result<AppendedEntry>>((resolve) => batch.settles.push(resolve));
    if (batch.bytes >= maxBatchBytes || batch.entries.length >= maxBatchEntries) this.#flush();
    else if (this.#batchesUnderWay === 0) this.#planFlush();
    else batch.timer ??= this.#limitWait(batch);
    return answer;
  }

  /** When every socket that has something to read was read, or a little later while fewer came than the last time. */
  #planFlush(): void {
    const { entries } = this.#waiting;
    if (this.#flushPlanned || entries.length === 0) return;
    if (entries.length < this.#expectedEntries) {
      this.#delay ??= this.#options.clock.after(this.#options.maxDelayMillis, () => this.#flushIdle());
      return;
    }
    this.#flushPlanned = true;
    setImmediate(this.#flushPlan);
  }

  /** Ends the wait for more; what is under way sends the waiting with its answer. */
  #flushIdle(): void {
    // One that is left would send a later batch too early.
    this.#delay?.clear();
    this.#delay = undefined;
    if (this.#batchesUnderWay === 0) this.#flush();
  }

  #flush(): void {
    const batch = this.#waiting;
    if (batch.entries.length === 0) return;
    this.#delay?.clear();
    this.#delay = undefined;
    this.#waiting = newBatch();
    this.#batchesUnderWay += 1;
    void this.#sendBatch(batch);
  }

  async #sendBatch(batch: Batch): Promise<void> {
    const answer = await this.#options.send(batch.entries);
    this.#batchesUnderWay -= 1;
    batch.timer?.clear();
    this.#expectedEntries = batch.entries.length + this.#waiting.entries.length;
    settleAll(batch, answer);
    if (this.#batchesUnderWay === 0) this.#planFlush();
  }

  #limitWait(batch: Batch): Timer {
    return this.#options.clock.after(this.#options.maxWaitMillis, () => {
      if (batch === this.#waiting) this.#waiting = newBatch();
      const millis = this.#options.maxWaitMillis;
      settleAll(batch, retryable("unavailable", `Redis did not answer in time (${millis} ms)`));
    });
  }
}

function newBatch(): Batch {
  return { entries: [], settles: [], bytes: 0, timer: undefined };
}

function settleAll(batch: Batch, answer: Result<readonly Result<AppendedEntry>[]>): void {
  const missing = retryable("unavailable", "Redis answered for fewer entries than were sent");
  for (const [index, settle] of batch.settles.splice(0).entries()) {
    settle(answer.kind === "success" ? (answer.value[index] ?? missing) : answer);
  }
}
