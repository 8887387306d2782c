/**
 * Turns what the Redis driver throws into a `Result`. Every fault of Redis is retryable: the same entry will be accepted
 * once Redis is back, or once an operator has mended it.
 */
import { messageOf, retryable } from "../model/result.ts";
import type { Retryable } from "../model/result.ts";

/** What the first word of a Redis error, or a driver's message, means to an operator. */
const MEANINGS: readonly (readonly [RegExp, string])[] = [
  [/^OOM\b/, "Redis is at its maxmemory and refuses writes"],
  [/^READONLY\b/, "this Redis is a read-only replica"],
  [/^LOADING\b/, "Redis is still loading its data"],
  [/^MISCONF\b/, "Redis cannot write to its disk"],
  [/^NOREPLICAS\b/, "Redis has too few replicas to accept writes"],
  [/^MASTERDOWN\b/, "this Redis has lost its primary"],
  [/^BUSY\b/, "Redis is busy running a script"],
  [/^(CLUSTERDOWN|TRYAGAIN|MOVED|ASK)\b/, "the Redis Cluster is not ready for this shard"],
  [/^(NOAUTH|WRONGPASS|NOPERM)\b/, "Redis refuses these credentials"],
  [/^Command timed out/, "Redis did not answer in time"],
  [/^Socket timeout/, "Redis did not answer in time"],
  [/max retries per request/, "the connection to Redis was lost before it answered"],
  [/^Stream isn't writeable|^Connection is closed|ECONNREFUSED/, "Redis is out of reach"],
];

/** A retryable `unavailable` that says what is wrong in plain words, followed by what Redis or the driver said. */
export function redisFault(error: unknown): Retryable {
  const message = messageOf(error);
  const meaning = MEANINGS.find(([form]) => form.test(message))?.[1] ?? "Redis failed";
  return retryable("unavailable", `${meaning} (${message})`);
}
