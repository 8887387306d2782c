/** A shard's log in memory, for tests of what reads from it. It cannot fail and has no limits. */
import type {
  AppendedEntry,
  IngestLog,
  LogEntry,
  LogEntryInput,
  LogOpening,
  LogStatus,
} from "../../src/model/ingest-log.ts";
import { LOG_START } from "../../src/model/ingest-log.ts";
import { success, type Result } from "../../src/model/result.ts";

/** Ids are `1-0`, `2-0` and so on. */
export class MemoryLog implements IngestLog {
  entries: LogEntry[] = [];
  /** What it was opened for last. */
  opening: Pick<LogOpening, "generation" | "identity"> = { generation: 0, identity: "" };
  /** Set to false to stand for storage that was exchanged; appends are taken all the same. */
  isOpen = false;
  isSuperseded = false;
  storage = "memory";
  #sequence = 0;

  /** Makes numbers go on after this one, as when the newest entries were lost. */
  rewind(sequence: number): void {
    this.#sequence = sequence;
  }

  async open({ generation, identity, afterId }: LogOpening): Promise<Result<void>> {
    this.opening = { generation, identity };
    this.isOpen = true;
    this.#sequence = Math.max(this.#sequence, numberOf(afterId));
    return success(undefined);
  }

  async supersede(generation: number): Promise<Result<void>> {
    if (generation !== this.opening.generation) return success(undefined);
    this.isOpen = false;
    this.isSuperseded = true;
    return success(undefined);
  }

  async seal(generation: number): Promise<Result<void>> {
    if (generation === this.opening.generation) this.isOpen = false;
    return success(undefined);
  }

  async append(entry: LogEntryInput): Promise<Result<AppendedEntry>> {
    const id = `${++this.#sequence}-0`;
    this.entries.push({ ...entry, id });
    return success({ id, generation: this.opening.generation });
  }

  async read(afterId: string, limit: number): Promise<Result<readonly LogEntry[]>> {
    const entries = this.entries.filter(({ id }) => numberOf(id) > numberOf(afterId)).slice(0, limit);
    return success(entries.map((entry) => ({ ...entry, body: Uint8Array.from(entry.body) })));
  }

  async trim(throughId: string): Promise<Result<void>> {
    this.entries = this.entries.filter(({ id }) => numberOf(id) > numberOf(throughId));
    return success(undefined);
  }

  async status(): Promise<Result<LogStatus>> {
    const bytes = this.entries.reduce((sum, { body }) => sum + body.length, 0);
    const lastId = this.#sequence === 0 ? LOG_START : `${this.#sequence}-0`;
    return success({
      entries: this.entries.length,
      bytes,
      lastId,
      isOpen: this.isOpen,
      ...this.opening,
      isSuperseded: this.isSuperseded,
      wasOpenedHere: this.isOpen,
      storage: this.storage,
    });
  }

  async writable(): Promise<Result<void>> {
    return success(undefined);
  }
}

function numberOf(id: string): number {
  return Number(id.split("-", 1)[0]);
}
