/**
 * Reads what `REDIS_URL` and `REDIS_CA_FILE` say of the Redis to use.
 */
import { readFileSync } from "node:fs";
import { describeRedisAddress, parseRedisAddress } from "../log/redis-address.ts";
import { failure, messageOf, success, type Result } from "../model/result.ts";
import type { ReceiverSettings } from "./settings.ts";

/** Where Redis is, and who vouches for it. */
export interface RedisOptions {
  readonly url: string;
  /** PEM; without it the authorities that Node trusts. */
  readonly certificateAuthority?: string;
}

/** Failure `invalid` when the file of authorities cannot be read. Throws where `REDIS_URL` is not set. */
export function redisOptions({ redisUrl: url, redisCaFile }: ReceiverSettings): Result<RedisOptions> {
  if (url === undefined) throw new TypeError("REDIS_URL is not set");
  if (redisCaFile === undefined) return success({ url });
  try {
    return success({ url, certificateAuthority: readFileSync(redisCaFile, "utf8") });
  } catch (error) {
    return failure("invalid", `REDIS_CA_FILE cannot be read (${messageOf(error)})`);
  }
}

/** The Redis of a `REDIS_URL`, for a person, without secrets. */
export function describeRedis(url: string): string {
  const address = parseRedisAddress(url);
  return address.kind === "success" ? describeRedisAddress(address.value) : "an address that cannot be read";
}
