/** Looks at the live view through haproxy, as an open page does, and knows for how long at most it showed no traffic. */
import { setTimeout as pause } from "node:timers/promises";

const LOOK_MILLIS = 100;
const ANSWER_MILLIS = 2000;

/** Looks from the start on, until `stop`. */
export class LiveWatch {
  readonly #origin: string;
  readonly #looks: Promise<void>;
  #stopped = false;
  #seenAtMillis: number | undefined;
  #longestMillis = 0;

  /** `origin`: haproxy's address for pages. */
  constructor(origin: string) {
    this.#origin = origin;
    this.#looks = this.#look();
  }

  /** Whether traffic was seen yet. */
  get hasSeen(): boolean {
    return this.#seenAtMillis !== undefined;
  }

  /** Ends. The longest time between two looks that showed traffic, or since the last, milliseconds. */
  async stop(): Promise<number> {
    this.#stopped = true;
    await this.#looks;
    this.#note();
    return Math.round(this.#longestMillis);
  }

  async #look(): Promise<void> {
    while (!this.#stopped) {
      if (await this.#showsTraffic()) {
        this.#note();
        this.#seenAtMillis = performance.now();
      }
      await pause(LOOK_MILLIS);
    }
  }

  #note(): void {
    if (this.#seenAtMillis === undefined) return;
    this.#longestMillis = Math.max(this.#longestMillis, performance.now() - this.#seenAtMillis);
  }

  async #showsTraffic(): Promise<boolean> {
    try {
      const answer = await fetch(`${this.#origin}/api/live`, { signal: AbortSignal.timeout(ANSWER_MILLIS) });
      const view = (await answer.json()) as { readonly http?: { readonly requestsPerSecond?: number } };
      return answer.status === 200 && (view.http?.requestsPerSecond ?? 0) > 0;
    } catch {
      return false;
    }
  }
}
