/** Random commands to a log, from a seed, and what it answers: the model must answer as real logs do. */
import { createHash } from "node:crypto";
import { LOG_START, type IngestLog, type LogLimits } from "../../src/model/ingest-log.ts";
import type { Result } from "../../src/model/result.ts";
import { comparable, valueOf } from "../support/log-entries.ts";
import { LogModel, type LogState } from "./log-model.ts";
import { SeededRandom } from "./seeded-random.ts";

/** A log whose storage can be struck. */
export interface StrikableLog {
  /** The log now; another one after a strike. */
  readonly log: IngestLog;
  /** The server starts again and has lost nothing. */
  restart(): Promise<void>;
  /** Keeps a copy of what is stored. */
  keepCopy(): Promise<void>;
  /** Another server goes on with the copy. */
  goBack(): Promise<void>;
  /** Deletes the entries; with `withNumbers`, everything. */
  delete(withNumbers: boolean): Promise<void>;
}

/** What strikes a kind of log knows. */
export interface LogStrikes {
  /** Keeping a copy needs a restart: files must be at rest. */
  readonly copyRestarts: boolean;
  readonly deletes: boolean;
  /** Another storage does not know that the log was sealed. It takes nothing before it is opened either way. */
  readonly forgetsSeals: boolean;
}

/** The limits of logs under trace: small, so that they are met. */
export const TRACE_LIMITS: LogLimits = { maxEntries: 5, maxBytes: 300 };

/** The model as a log that can be struck. */
export class StrikableModel implements StrikableLog {
  readonly log: IngestLog;
  readonly #model = new LogModel(TRACE_LIMITS);
  readonly #strikes: LogStrikes;
  #server = 1;
  #copy: LogState | undefined;

  constructor(strikes: LogStrikes) {
    this.#strikes = strikes;
    const model = this.#model;
    const server = (): string => `server ${this.#server}`;
    this.log = {
      open: async (opening) => model.open(server(), opening),
      supersede: async (generation) => model.supersede(server(), generation),
      seal: async (generation) => model.seal(generation),
      append: async (entry) => model.append(server(), entry),
      read: async (afterId, limit) => model.read(afterId, limit),
      trim: async (throughId) => model.trim(throughId),
      status: async () => model.status(server()),
      writable: async () => model.writable(server()),
    };
  }

  async restart(): Promise<void> {
    this.#server++;
    if (this.#strikes.forgetsSeals) this.#model.forgetSeal();
  }

  async keepCopy(): Promise<void> {
    this.#copy = this.#model.state;
  }

  async goBack(): Promise<void> {
    if (this.#copy) this.#model.state = this.#copy;
    await this.restart();
  }

  async delete(withNumbers: boolean): Promise<void> {
    this.#model.delete(withNumbers);
  }
}

/** Gives commands to a log; the answers in order, in a form that compares by value. */
export async function logTrace(target: StrikableLog, strikes: LogStrikes, seed: number): Promise<readonly unknown[]> {
  const random = new SeededRandom(seed);
  const answers: unknown[] = [];
  let hasCopy = false;
  for (let step = 0; step < 60; step++) {
    const command = random.whole(1, 100);
    const id = random.chance(0.1) ? LOG_START : `${random.whole(1, 20)}-0`;
    if (command <= 40) {
      const body = createHash("sha512")
        .update(`${seed} ${step}`)
        .digest()
        .subarray(0, random.pick([0, 10, 40, 64]));
      const entry = { contentType: "protobuf", encoding: "identity", body, bodyHash: new Uint8Array(0) } as const;
      answers.push(["append", answer(await target.log.append({ ...entry, receivedAtMillis: step }))]);
    } else if (command <= 50) {
      const read = await target.log.read(id, random.whole(1, 6));
      answers.push(["read", read.kind === "success" ? read.value.map((one) => [one.id, comparable(one)]) : read.code]);
    } else if (command <= 60) {
      answers.push(["trim", id, answer(await target.log.trim(id))]);
    } else if (command <= 72) {
      const generation = random.whole(1, 12);
      const storage = random.chance(0.1) ? "elsewhere" : valueOf(await target.log.status()).storage;
      const opening = {
        generation,
        identity: `opening ${step}`,
        storage,
        afterId: id,
        layout: random.chance(0.1) ? 2 : 1,
      };
      answers.push(["open", answer(await target.log.open(opening))]);
    } else if (command <= 82) {
      answers.push(["status", statusOf(await target.log.status())]);
    } else if (command <= 85) {
      answers.push(["seal", answer(await target.log.seal(random.whole(0, 12)))]);
    } else if (command <= 86) {
      answers.push(["supersede", answer(await target.log.supersede(random.whole(0, 12)))]);
    } else if (command <= 90) {
      answers.push(["writable", answer(await target.log.writable())]);
    } else if (command <= 93) {
      await target.restart();
    } else if (command <= 95) {
      if (strikes.copyRestarts) await target.restart();
      await target.keepCopy();
      hasCopy = true;
    } else if (command <= 98) {
      if (hasCopy) await target.goBack();
    } else if (strikes.deletes) {
      await target.delete(random.chance(0.5));
    }
  }
  return answers;
}

function answer(result: Result<unknown>): unknown {
  return result.kind === "success" ? result : { kind: result.kind, code: result.code };
}

/** Without the bytes of a log that takes none: where the stream is gone they are unknown until it is opened. */
function statusOf(result: Awaited<ReturnType<IngestLog["status"]>>): unknown {
  if (result.kind !== "success") return answer(result);
  // Each gives its storage a name of its own.
  const { bytes, storage: _, ...rest } = result.value;
  return rest.isOpen ? { ...rest, bytes } : rest;
}
