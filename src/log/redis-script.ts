/**
 * A Lua script in the Redis of a shard, called by its hash. The body of an entry can be a megabyte: the text of the script is
 * not sent along with each.
 */
import { createHash } from "node:crypto";
import type { Redis } from "ioredis";
import type { RedisRoute } from "./redis-route.ts";

/** A Lua script. Scripts are atomic, so a check and the write it allows are one step for every receiver. */
export class RedisScript {
  readonly #route: RedisRoute;
  readonly #text: string;
  readonly #hash: string;

  /** Binds the script to a shard; nothing is sent yet. */
  constructor(route: RedisRoute, text: string) {
    this.#route = route;
    this.#text = text;
    this.#hash = createHash("sha1").update(text).digest("hex");
  }

  /** Makes Redis know the script, so that the first call need not. Rejects with the driver's error. */
  async load(): Promise<void> {
    await this.#route.run((redis) => redis.script("LOAD", this.#text));
  }

  /** Runs the script. Replies are text and numbers. Rejects with the driver's error; runs at most once in any case. */
  async run(keys: readonly string[], values: readonly (string | number | Buffer)[]): Promise<unknown> {
    return await this.#route.run((redis) => this.runOn(redis, keys, values));
  }

  /** As {@link run}, on a connection that the shard's route gave. */
  async runOn(redis: Redis, keys: readonly string[], values: readonly (string | number | Buffer)[]): Promise<unknown> {
    try {
      return await redis.call("EVALSHA", this.#hash, keys.length, ...keys, ...values);
    } catch (error) {
      // NOSCRIPT (a restart, a new replica) means that nothing ran: only then is it safe to call again.
      if (!(error instanceof Error && error.message.startsWith("NOSCRIPT"))) throw error;
      return await redis.call("EVAL", this.#text, keys.length, ...keys, ...values);
    }
  }
}
