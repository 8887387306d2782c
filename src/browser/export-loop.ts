/**
 * Worker: brings the metrics to the receiver. One export at a time, when the throttle allows it and the receiver is there;
 * what fails is tried again later with the values of then.
 */
import type { Result } from "../model/result.ts";
import { ExportThrottle } from "./export-throttle.ts";
import type { MetricsExport } from "./page-metrics.ts";
import { retryDelayMillis } from "./retry-delay.ts";

/** Where exports go. */
export interface ExportTransport {
  /** Whether there is a connection now: without one, nothing is encoded and no export is used up. */
  isConnected(): boolean;
  /** Connects now rather than when the wait after a failure is over. Resolves when there is a connection, or soon without. */
  hurry(): Promise<void>;
  /** Sends a body and waits for the answer. A `failure` is final for this body. Never rejects. */
  send(body: Uint8Array, compressed: boolean): Promise<Result<void>>;
}

/** What the loop needs. */
export interface ExportLoopOptions {
  readonly collect: () => Promise<MetricsExport | undefined>;
  readonly transport: ExportTransport;
  readonly emitThrottleMillis: number;
  /** Milliseconds of a clock that never goes back. */
  readonly nowMillis: number;
  /** From 0 to 1, uniform. */
  readonly random: () => number;
}

/** The exports of one page. */
export class ExportLoop {
  readonly #options: ExportLoopOptions;
  readonly #throttle: ExportThrottle;
  #underWay = false;
  #failures = 0;
  #notBeforeMillis = 0;

  constructor(options: ExportLoopOptions) {
    this.#options = options;
    this.#throttle = new ExportThrottle(options.emitThrottleMillis, options.nowMillis);
  }

  /** Another interval from now on. A bridge says so at each connection: what is due stays due. */
  setThrottle(emitThrottleMillis: number): void {
    this.#throttle.setInterval(emitThrottleMillis);
  }

  /** Exports if it is time to. `urgent`: something happened that people act on. */
  async tick(nowMillis: number, urgent: boolean): Promise<void> {
    if (urgent) this.#throttle.markUrgent();
    if (this.#underWay || nowMillis < this.#notBeforeMillis || !this.#options.transport.isConnected()) return;
    if (this.#throttle.shouldExport(nowMillis)) await this.#export(nowMillis, true);
  }

  /** The page is going away: exports now, whatever the throttle says, and uncompressed, since compressing takes turns. */
  async exportLast(nowMillis: number): Promise<void> {
    if (this.#options.transport.isConnected()) await this.#export(nowMillis, false);
  }

  /** It ends: as {@link exportLast}, with one more try to get through where there is no connection. */
  async finish(nowMillis: number): Promise<void> {
    if (!this.#options.transport.isConnected()) await this.#options.transport.hurry();
    await this.exportLast(nowMillis);
  }

  async #export(nowMillis: number, compressed: boolean): Promise<void> {
    this.#underWay = true;
    try {
      const collected = await this.#options.collect();
      if (collected === undefined) return;
      const answer = await this.#options.transport.send(collected.body, compressed);
      if (answer.kind === "retryable") {
        this.#failures += 1;
        this.#notBeforeMillis = nowMillis + retryDelayMillis(this.#failures, this.#options.random());
        // The next try is not to wait for the interval as well.
        this.#throttle.markUrgent();
        return;
      }
      // A refusal is final for these values; newer ones will be offered as they come.
      this.#failures = 0;
      collected.acknowledge();
    } finally {
      this.#underWay = false;
    }
  }
}
