/** Asks a Redis again and again for its memory, to know the most that it had. */
import { Redis } from "ioredis";

const INTERVAL_MILLIS = 250;

/** Watches from its making until `end`. */
export class RedisMemory {
  /** The highest `used_memory` since `begin`. */
  mostBytes = 0;
  /** `used_memory_startup`: what it uses when it is empty. */
  startBytes = 0;
  readonly #redis: Redis;
  readonly #timer: NodeJS.Timeout;

  constructor(url: string) {
    this.#redis = new Redis(url);
    // It is stopped before the watch ends; what is asked then is of no use.
    this.#redis.on("error", () => undefined);
    this.#timer = setInterval(() => void this.#ask(), INTERVAL_MILLIS);
  }

  /** Forgets the most so far. */
  begin(): void {
    this.mostBytes = 0;
  }

  /** Asks no more. */
  end(): void {
    clearInterval(this.#timer);
    this.#redis.disconnect();
  }

  async #ask(): Promise<void> {
    const info = await this.#redis.info("memory").catch(() => "");
    const field = (name: string): number => Number(new RegExp(`^${name}:(\\d+)`, "m").exec(info)?.[1] ?? 0);
    this.mostBytes = Math.max(this.mostBytes, field("used_memory"));
    this.startBytes = field("used_memory_startup");
  }
}
