/** The senders of one run, together. */
import { setTimeout as pause } from "node:timers/promises";
import { Exporter, type ExporterHabits, type ExporterTiming } from "./exporter.ts";
import { Journal } from "./journal.ts";
import type { SeededRandom } from "./seeded-random.ts";
import { HUGE_STEP, ServiceBatches } from "./service-batches.ts";

/** Who sends, and takes part in the load. */
export interface Sender {
  /** Sends until `end`; resolves when everything made was acknowledged. */
  run(): Promise<void>;
  /** Makes nothing new; what was made is still delivered. */
  end(): void;
  /** Ends at once, whatever is not delivered. */
  giveUp(): void;
  /** Holds what is next back. */
  hold(): void;
  /** Goes on after `hold`. */
  resume(): void;
  /** Whether nothing of it is under way, and nothing will be until `resume`. */
  readonly parked: boolean;
}

/** How much is sent, and how. */
export interface LoadOptions {
  readonly origins: readonly string[];
  readonly senders: number;
  readonly random: SeededRandom;
  readonly timing: ExporterTiming;
  readonly habits?: Partial<ExporterHabits>;
  /** By how much a stream grows with each batch at least; by default so much that its total passes 2^53. */
  readonly largestStep?: number;
  /** Each sender keeps to one address: the first to the first, the second to the second, and so on around. */
  readonly pinned?: boolean;
}

const SERVICES_PER_SENDER = 3;
const STUCK_MILLIS = 90_000;
const LOOK_MILLIS = 5;

/** Senders that run from the start on; what receives must be ready. */
export class Load {
  readonly journal: Journal = new Journal();
  readonly #options: LoadOptions;
  readonly #senders: Sender[] = [];
  #exporters = 0;
  readonly #runs: Promise<void>[] = [];
  #fault: unknown;

  constructor(options: LoadOptions) {
    this.#options = options;
    this.add(options.senders, options.timing);
  }

  /** More senders. */
  add(senders: number, timing: ExporterTiming): void {
    const { origins, random, habits, largestStep = HUGE_STEP, pinned } = this.#options;
    for (let left = senders; left > 0; left--) {
      const at = this.#exporters++;
      const name = `sender-${at}`;
      const exporter = new Exporter({
        batches: new ServiceBatches(name, SERVICES_PER_SENDER, random.fork(name), largestStep),
        origins: pinned ? [origins[at % origins.length]!] : origins,
        journal: this.journal,
        random: random.fork(`${name} network`),
        timing,
        habits: { copies: 1, repeats: 0, rebatches: 0, ...habits },
      });
      this.join(exporter);
    }
  }

  /** One more sender, of another kind. It is started. */
  join(sender: Sender): void {
    this.#senders.push(sender);
    this.#runs.push(sender.run().catch((error: unknown) => void (this.#fault ??= error)));
  }

  /** Resolves when this many more batches were acknowledged. Rejects when nothing is for too long. */
  async acknowledges(count: number): Promise<void> {
    const goal = this.journal.acknowledgedBatches + count;
    await this.until(() => this.journal.acknowledgedBatches >= goal, `${count} more acknowledged batches`);
  }

  /** Resolves when this many more attempts came to nothing. Rejects when that takes too long. */
  async fails(count: number): Promise<void> {
    const goal = this.journal.failedAttempts + count;
    await this.until(() => this.journal.failedAttempts >= goal, `${count} more failed attempts`);
  }

  /** Resolves when a condition is met. Rejects when a sender failed, or when it takes too long. */
  async until(condition: () => boolean | Promise<boolean>, what: string): Promise<void> {
    const deadline = Date.now() + STUCK_MILLIS;
    for (;;) {
      if (this.#fault !== undefined) throw this.#fault;
      if (await condition()) return;
      if (Date.now() > deadline) throw new Error(`waited ${STUCK_MILLIS} ms for ${what}`);
      await pause(LOOK_MILLIS);
    }
  }

  /** Holds new batches back; resolves when what was made is delivered. */
  async hold(): Promise<void> {
    for (const sender of this.#senders) sender.hold();
    await this.until(() => this.#senders.every(({ parked }) => parked), "the senders to be idle");
  }

  /** Goes on after `hold`. */
  resume(): void {
    for (const sender of this.#senders) sender.resume();
  }

  /** Ends when everything that was made is acknowledged. Rejects when it never is. */
  async end(): Promise<void> {
    for (const sender of this.#senders) sender.end();
    let done = false;
    void Promise.all(this.#runs).then(() => (done = true));
    await this.until(() => done, "everything to be acknowledged");
  }

  /** Ends at once, for a run that failed. */
  giveUp(): void {
    for (const sender of this.#senders) sender.giveUp();
  }
}
