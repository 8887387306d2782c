/**
 * The model of one shard's log on one server: what `IngestLog` promises, as a list and a few numbers, without time or faults.
 * `log-model.test.ts` holds it to what Redis and SQLite answer.
 */
import type {
  AppendedEntry,
  LogEntry,
  LogEntryInput,
  LogLimits,
  LogOpening,
  LogStatus,
} from "../../src/model/ingest-log.ts";
import { parseLogId } from "../../src/model/log-id.ts";
import { failure, retryable, success, type Result } from "../../src/model/result.ts";

/** Everything that a log holds. A copy of it is what a replica has, or what a disk had some time ago. */
export interface LogState {
  readonly entries: readonly LogEntry[];
  /** The highest number ever given. */
  readonly last: number;
  readonly generation: number;
  readonly identity: string;
  /**
   * The server on which it was opened; it takes appends there only. With a word before it: on none. Empty before the first opening, and
   * when all was deleted.
   */
  readonly openedOn: string;
  /** Of the last opening. */
  readonly layout: number;
}

/** A log that nobody has opened. */
export const EMPTY_LOG: LogState = { entries: [], last: 0, generation: 0, identity: "", openedOn: "", layout: 1 };

/** The number of an entry's id. */
export function entryNumber(id: string): number {
  return Number(parseLogId(id)[0]);
}

/** One log. `server` is always the identity of the server that it is on. */
export class LogModel {
  state: LogState = EMPTY_LOG;
  readonly #limits: LogLimits;

  constructor(limits: LogLimits) {
    this.#limits = limits;
  }

  open(server: string, { generation, identity, storage, afterId, layout }: LogOpening): Result<void> {
    if (storage !== server) return retryable("unavailable", "simulated: another server is meant");
    const isSealed = this.state.openedOn.startsWith(SEALED);
    if (this.state.generation > generation || (isSealed && this.state.generation === generation))
      return failure("conflict", "simulated: the log was opened later");
    const last = Math.max(this.state.last, entryNumber(afterId));
    this.state = { ...this.state, last, generation, identity, openedOn: server, layout };
    return success(undefined);
  }

  supersede(server: string, generation: number): Result<void> {
    if (generation !== this.state.generation) return success(undefined);
    this.state = { ...this.state, openedOn: superseded(server) };
    return success(undefined);
  }

  seal(generation: number): Result<void> {
    const { openedOn } = this.state;
    const isKept = openedOn === "" || isClosedForGood(openedOn);
    if (generation !== this.state.generation || isKept) return success(undefined);
    this.state = { ...this.state, openedOn: SEALED + openedOn.replace(DELETED, "") };
    return success(undefined);
  }

  /** Is closed as it would be without the seal. */
  forgetSeal(): void {
    this.state = { ...this.state, openedOn: this.state.openedOn.replace(SEALED, "") };
  }

  /** `layout`: by which the entry was made. */
  append(server: string, entry: LogEntryInput, layout: number = 1): Result<AppendedEntry> {
    const { maxEntries, maxBytes } = this.#limits;
    const { entries, last, generation } = this.state;
    if (entry.body.length > maxBytes) return failure("too_large", "simulated: larger than the log");
    if (!this.#isOpen(server) || layout !== this.state.layout) return closed();
    if (entries.length >= maxEntries || this.#bytes() + entry.body.length > maxBytes) return full();
    const id = `${last + 1}-0`;
    this.state = { ...this.state, entries: [...entries, { ...entry, id }], last: last + 1 };
    return success({ id, generation });
  }

  read(afterId: string, limit: number): Result<readonly LogEntry[]> {
    const after = entryNumber(afterId);
    return success(this.state.entries.filter(({ id }) => entryNumber(id) > after).slice(0, limit));
  }

  trim(throughId: string): Result<void> {
    const through = entryNumber(throughId);
    this.state = { ...this.state, entries: this.state.entries.filter(({ id }) => entryNumber(id) > through) };
    return success(undefined);
  }

  status(server: string, layout: number = 1): Result<LogStatus> {
    const { entries, last, generation, identity } = this.state;
    return success({
      entries: entries.length,
      bytes: this.#bytes(),
      lastId: `${last}-0`,
      isOpen: this.#isOpen(server) && layout === this.state.layout,
      generation,
      identity,
      storage: server,
      isSuperseded: this.state.openedOn === superseded(server),
      wasOpenedHere: this.#isOpen(server) || this.state.openedOn === SEALED + server,
    });
  }

  writable(server: string, layout: number = 1): Result<void> {
    const { maxEntries, maxBytes } = this.#limits;
    if (!this.#isOpen(server) || layout !== this.state.layout) return closed();
    return this.state.entries.length >= maxEntries || this.#bytes() >= maxBytes ? full() : success(undefined);
  }

  /** Loses the stream; with `withNumbers`, also what is known about it. */
  delete(withNumbers: boolean): void {
    const { openedOn: before } = this.state;
    const isKept = before === "" || before.startsWith(DELETED) || isClosedForGood(before);
    const openedOn = isKept ? before : DELETED + before;
    this.state = withNumbers ? EMPTY_LOG : { ...this.state, entries: [], openedOn };
  }

  #isOpen(server: string): boolean {
    return this.state.openedOn === server;
  }

  #bytes(): number {
    return this.state.entries.reduce((sum, { body }) => sum + body.length, 0);
  }
}

const SUPERSEDED = "superseded ";
const SEALED = "sealed ";
const DELETED = "deleted ";

function isClosedForGood(openedOn: string): boolean {
  return openedOn.startsWith(SUPERSEDED) || openedOn.startsWith(SEALED);
}

function superseded(server: string): string {
  return SUPERSEDED + server;
}

function closed(): Result<never> {
  return retryable("unavailable", "simulated: the log is not open here");
}

function full(): Result<never> {
  return retryable("overloaded", "simulated: the log is full");
}
