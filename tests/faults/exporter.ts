/**
 * A sender that behaves as OTLP exporters do: one batch at a time, the same bytes again on 429, 502, 503, 504 and on broken
 * connections, after what `Retry-After` says or a growing pause. It never gives a batch up, so that no outcome stays unknown.
 */
import { Agent, request } from "node:http";
import { setTimeout as pause } from "node:timers/promises";
import { ResponseType } from "../otlp/otlp-proto.ts";
import type { Answer, Journal } from "./journal.ts";
import type { Sender } from "./load.ts";
import type { SeededRandom } from "./seeded-random.ts";
import { type Batch, mergedBatch, type ServiceBatches } from "./service-batches.ts";

/** How a sender keeps time, milliseconds. */
export interface ExporterTiming {
  /** What a second of `Retry-After` is taken for. */
  readonly retryAfterSecond: number;
  readonly firstBackoff: number;
  readonly mostBackoff: number;
  /** An answer that takes longer counts as none. */
  readonly timeout: number;
  /** The longest pause between two batches; 0: none. */
  readonly mostPause: number;
}

/** What senders do besides. */
export interface ExporterHabits {
  /** Copies of each batch sent at once. */
  readonly copies: number;
  /** Chance that an earlier batch is sent once more after a batch. */
  readonly repeats: number;
  /** Chance that a batch without an answer goes on within the next one, as out of a Collector's queue. */
  readonly rebatches: number;
}

/** How a sender is made. */
export interface ExporterOptions {
  readonly batches: ServiceBatches;
  /** Addresses to send to, tried in turn. */
  readonly origins: readonly string[];
  readonly journal: Journal;
  readonly random: SeededRandom;
  readonly timing: ExporterTiming;
  readonly habits: ExporterHabits;
}

const RETRYABLE: ReadonlySet<number> = new Set([429, 502, 503, 504]);
const MAX_EARLIER = 50;
/** Batches that may grow into one. */
const MAX_POINTS = 2000;

/** One sender. */
export class Exporter implements Sender {
  readonly #options: ExporterOptions;
  readonly #agent: Agent;
  readonly #earlier: Batch[] = [];
  #origin = 0;
  #ending = false;
  #gaveUp = false;
  #parked = false;
  #paused: Promise<void> | undefined;
  #resume: (() => void) | undefined;

  constructor(options: ExporterOptions) {
    this.#options = options;
    this.#agent = new Agent({ keepAlive: true, maxSockets: options.habits.copies + 1 });
    this.#origin = options.random.integer(0, options.origins.length - 1);
  }

  async run(): Promise<void> {
    const { batches, random, timing } = this.#options;
    while (!this.#ending) {
      await this.#deliver(batches.next());
      await this.#repeat();
      if (timing.mostPause > 0) await pause(random.integer(0, timing.mostPause));
      this.#parked = this.#paused !== undefined;
      await this.#paused;
      this.#parked = false;
    }
    this.#parked = true;
    this.#agent.destroy();
  }

  end(): void {
    this.#ending = true;
    this.resume();
  }

  giveUp(): void {
    this.#gaveUp = true;
    this.end();
    this.#agent.destroy();
  }

  get parked(): boolean {
    return this.#parked;
  }

  hold(): void {
    this.#paused ??= new Promise((resolve) => (this.#resume = resolve));
  }

  resume(): void {
    this.#resume?.();
    this.#paused = undefined;
    this.#resume = undefined;
  }

  async #deliver(made: Batch): Promise<void> {
    const { journal, random, timing, habits, batches } = this.#options;
    let batch = made;
    for (let attempt = 0; !this.#gaveUp; attempt++) {
      const answers = await this.#sendCopies(batch, habits.copies);
      const taken = answers.find((answer) => answer.kind === "answer" && answer.status === 200);
      if (taken?.kind === "answer") {
        journal.acknowledge(batch, taken.rejectedPoints);
        // What was refused is not sent again by anyone, and would be taken then.
        if (taken.rejectedPoints === 0 && this.#earlier.push(batch) > MAX_EARLIER) this.#earlier.shift();
        return;
      }
      const final = answers.find((answer) => answer.kind === "answer" && !RETRYABLE.has(answer.status));
      if (final?.kind === "answer") throw new Error(`${batch.name} was answered ${final.status}`);
      this.#origin = (this.#origin + 1) % this.#options.origins.length;
      const asked = answers.map((answer) => (answer.kind === "answer" ? answer.retryAfter : undefined));
      const retryAfter = asked.find((seconds) => seconds !== undefined);
      const backoff = Math.min(timing.mostBackoff, timing.firstBackoff * 1.5 ** attempt) * (0.8 + 0.4 * random.next());
      await pause(retryAfter === undefined ? backoff : retryAfter * timing.retryAfterSecond);
      if (batch.points.length < MAX_POINTS && random.chance(habits.rebatches))
        batch = mergedBatch(batch, batches.next());
    }
  }

  /** What was acknowledged before may come once more, as out of a proxy that retries; its answer means nothing. */
  async #repeat(): Promise<void> {
    const { random, habits } = this.#options;
    if (this.#earlier.length === 0 || !random.chance(habits.repeats)) return;
    await this.#sendCopies(random.pick(this.#earlier), 1);
  }

  async #sendCopies(batch: Batch, copies: number): Promise<readonly Answer[]> {
    const answers = await Promise.all(Array.from({ length: copies }, () => this.#post(batch)));
    for (const answer of answers) this.#options.journal.note(batch, answer);
    return answers;
  }

  #post(batch: Batch): Promise<Answer> {
    const { origins, timing } = this.#options;
    return new Promise((resolve) => {
      const outgoing = request(`${origins[this.#origin]}/v1/metrics`, {
        method: "POST",
        agent: this.#agent,
        headers: {
          "content-type": "application/x-protobuf",
          "content-encoding": "gzip",
          "content-length": batch.body.length,
        },
      });
      const broken = (reason: string): void => {
        resolve({ kind: "broken", reason });
        outgoing.destroy();
      };
      const timer = setTimeout(() => broken("no answer in time"), timing.timeout);
      outgoing.once("close", () => clearTimeout(timer));
      outgoing.once("error", (error: NodeJS.ErrnoException) => broken(error.code ?? error.message));
      outgoing.once("response", (response) => {
        const chunks: Buffer[] = [];
        response.on("data", (chunk: Buffer) => chunks.push(chunk));
        response.once("error", (error: NodeJS.ErrnoException) => broken(error.code ?? error.message));
        response.once("aborted", () => broken("the answer was cut off"));
        response.once("end", () => {
          const status = response.statusCode ?? 0;
          const after = Number(response.headers["retry-after"]);
          const rejectedPoints = status === 200 ? rejectedOf(Buffer.concat(chunks)) : 0;
          const answer = { kind: "answer", status, rejectedPoints } as const;
          resolve(Number.isFinite(after) ? { ...answer, retryAfter: after } : answer);
        });
      });
      outgoing.end(batch.body);
    });
  }
}

function rejectedOf(body: Buffer): number {
  const decoded = ResponseType.toObject(ResponseType.decode(body), { longs: Number }) as {
    partialSuccess?: { rejectedDataPoints?: number };
  };
  return decoded.partialSuccess?.rejectedDataPoints ?? 0;
}
