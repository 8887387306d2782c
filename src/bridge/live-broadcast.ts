/**
 * Bridge: the live figures for admins. They are read while somebody watches, and sent when they have changed, at most every
 * throttle to each admin; one who reads slowly gets the newest when there is room again, never a queue.
 */
import type { Clock, Timer } from "../model/clock.ts";
import { messageOf, type Result, retryable } from "../model/result.ts";

/** The figures, as `GET /api/live` shows them; `at` alone is no change. */
export interface LiveFigures {
  /** Milliseconds since the Unix epoch. */
  readonly at: number;
}

/** One who watches. */
export interface LiveWatcher {
  /** Whether a message would go out now. */
  isWritable(): boolean;
  /** Bytes that wait to be written. */
  bufferedBytes(): number;
  /** Whether the token still allows it; asked before each message. */
  isAllowed(): boolean;
  send(figures: LiveFigures): void;
  /** Ends the connection at once. */
  end(): void;
}

/** What the broadcast works with. */
export interface LiveBroadcastOptions {
  readonly clock: Clock;
  readonly live: () => Promise<Result<LiveFigures>>;
  /** `WEBRTC_BROADCAST_THROTTLE`. */
  readonly throttleMillis: number;
  /** A watcher with more bytes waiting is ended. */
  readonly maxBufferedBytes: number;
}

/** Timers come a little early or late: this much less than the throttle is no breach of it. */
const TIMER_TOLERANCE_MILLIS = 20;

interface Sent {
  version: number;
  atMillis: number;
}

/** Sends figures to watchers. */
export class LiveBroadcast {
  readonly #options: LiveBroadcastOptions;
  readonly #watchers = new Map<LiveWatcher, Sent>();
  #latest: LiveFigures | undefined;
  #latestText = "";
  #version = 0;
  #readAtMillis = Number.NEGATIVE_INFINITY;
  #timer: Timer | undefined;
  #reading: Promise<void> | undefined;

  constructor(options: LiveBroadcastOptions) {
    this.#options = options;
  }

  /** Adds one who watches, and sends the figures as they are now. */
  async add(watcher: LiveWatcher): Promise<void> {
    this.#watchers.set(watcher, { version: 0, atMillis: Number.NEGATIVE_INFINITY });
    this.#timer ??= this.#next();
    if (this.#now() - this.#readAtMillis >= this.#options.throttleMillis) await this.#read();
    this.#sendTo(watcher, this.#now(), false);
  }

  /** Takes one away. */
  remove(watcher: LiveWatcher): void {
    this.#watchers.delete(watcher);
    if (this.#watchers.size > 0) return;
    this.#timer?.clear();
    this.#timer = undefined;
  }

  /** Something happened that people act on: reads and sends now, whatever the throttle says. */
  async changed(): Promise<void> {
    if (this.#watchers.size === 0) return;
    // What is being read now may be from before it.
    await this.#reading;
    await this.#read();
    this.#sendToAll(this.#now(), true);
  }

  #now(): number {
    return this.#options.clock.monotonicMillis();
  }

  #next(): Timer {
    return this.#options.clock.after(this.#options.throttleMillis, () => void this.#tick());
  }

  async #tick(): Promise<void> {
    // Counted from here: figures that take their time must not make the next ones come too early to be sent.
    const now = this.#now();
    this.#timer = this.#watchers.size === 0 ? undefined : this.#next();
    if (this.#timer === undefined) return;
    await this.#read();
    this.#sendToAll(now, false);
  }

  /** One at a time: whoever asks meanwhile waits for the same. */
  #read(): Promise<void> {
    this.#reading ??= this.#readOnce().finally(() => (this.#reading = undefined));
    return this.#reading;
  }

  async #readOnce(): Promise<void> {
    const figures = await this.#options.live().catch((error: unknown) => retryable("internal", messageOf(error)));
    // Without figures nothing is sent; watchers see by `at` how old theirs are.
    if (figures.kind !== "success") return;
    this.#readAtMillis = this.#now();
    const text = JSON.stringify({ ...figures.value, at: 0 });
    if (text === this.#latestText) return;
    this.#latestText = text;
    this.#latest = figures.value;
    this.#version += 1;
  }

  #sendToAll(now: number, atOnce: boolean): void {
    for (const watcher of this.#watchers.keys()) this.#sendTo(watcher, now, atOnce);
  }

  #sendTo(watcher: LiveWatcher, now: number, atOnce: boolean): void {
    const sent = this.#watchers.get(watcher);
    if (sent === undefined || this.#latest === undefined) return;
    if (!watcher.isAllowed() || watcher.bufferedBytes() > this.#options.maxBufferedBytes) {
      this.remove(watcher);
      watcher.end();
      return;
    }
    const isDue = now - sent.atMillis >= this.#options.throttleMillis - TIMER_TOLERANCE_MILLIS;
    if (sent.version === this.#version || !(isDue || atOnce) || !watcher.isWritable()) return;
    this.#watchers.set(watcher, { version: this.#version, atMillis: now });
    watcher.send(this.#latest);
  }
}
