/** Appends to a log without pause while its Redis is failed over or resharded, and compares what was acknowledged with what is there. */
import { LOG_START } from "../../src/model/ingest-log.ts";
import type { IngestLog } from "../../src/model/ingest-log.ts";
import { compareLogIds } from "../../src/model/log-id.ts";
import { logEntry, openHere, valueOf } from "./log-entries.ts";

/** Appends under way at once. */
const WRITERS = 4;
/** How often an owner looks whether its log must be opened, milliseconds; a receiver's looks each second. */
const LOOK_MILLIS = 50;

/** One log under load, with an owner that opens it whenever it is closed. */
export class LogJournal {
  readonly #log: IngestLog;
  /** Bodies that were acknowledged, with their ids. */
  readonly #acknowledged: Map<string, string> = new Map();
  #refused = 0;
  #generation = 0;
  #running = true;
  #work: readonly Promise<void>[] = [];

  /** Does nothing before `start`. */
  constructor(log: IngestLog) {
    this.#log = log;
  }

  /** Opens the log and begins to append. */
  start(): void {
    this.#work = [this.#own(), ...Array.from({ length: WRITERS }, () => this.#write())];
  }

  /** How many appends were acknowledged. */
  get acknowledged(): number {
    return this.#acknowledged.size;
  }

  /** How many were refused, or had no answer: those may be in the log all the same, once. */
  get refused(): number {
    return this.#refused;
  }

  /** Resolves when so many more were acknowledged than now. */
  async more(count: number): Promise<void> {
    const wanted = this.acknowledged + count;
    while (this.acknowledged < wanted) await pause(10);
  }

  /** Stops, reads the whole log and tells what was lost and what is there twice. */
  async compare(): Promise<{ readonly lost: number; readonly doubled: number }> {
    this.#running = false;
    await Promise.all(this.#work);
    const present: string[] = [];
    for (let after = LOG_START; ;) {
      const entries = valueOf(await this.#log.read(after, 1000));
      if (entries.length === 0) break;
      present.push(...entries.map(({ body }) => Buffer.from(body).toString("hex")));
      after = entries.at(-1)!.id;
    }
    const distinct = new Set(present);
    const lost = [...this.#acknowledged.keys()].filter((body) => !distinct.has(body)).length;
    return { lost, doubled: present.length - distinct.size };
  }

  async #own(): Promise<void> {
    while (this.#running) {
      const status = await this.#log.status();
      if (status.kind === "success" && !status.value.isOpen) {
        const afterId = [...this.#acknowledged.values()].sort(compareLogIds).at(-1) ?? LOG_START;
        this.#generation = Math.max(this.#generation, status.value.generation) + 1;
        await openHere(this.#log, { generation: this.#generation, afterId }).catch(() => undefined);
      }
      await pause(LOOK_MILLIS);
    }
  }

  async #write(): Promise<void> {
    while (this.#running) {
      const entry = logEntry();
      const appended = await this.#log.append(entry);
      if (appended.kind === "success") {
        this.#acknowledged.set(Buffer.from(entry.body).toString("hex"), appended.value.id);
      } else {
        this.#refused += 1;
        await pause(10);
      }
    }
  }
}

async function pause(millis: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, millis));
}
