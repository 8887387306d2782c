/** Redis log, inside: why an append was refused, in words. */
import type { LogLimits } from "../model/ingest-log.ts";
import { retryable, type Retryable } from "../model/result.ts";
import { CLOSED, TOO_MANY_BYTES, TOO_MANY_ENTRIES } from "./redis-log-scripts.ts";

/** Why a script refused; `undefined` when it did not. */
export function refusalOf(reply: string, { maxEntries, maxBytes }: LogLimits): Retryable | undefined {
  if (reply === CLOSED) return closedLog();
  if (reply === TOO_MANY_ENTRIES) return retryable("overloaded", `the log holds its ${maxEntries} entries`);
  if (reply === TOO_MANY_BYTES) return retryable("overloaded", `the log would hold more than ${maxBytes} bytes`);
  return undefined;
}

/** Retryable `unavailable`: nobody has opened the log on this server and for this layout. */
export function closedLog(): Retryable {
  return retryable(
    "unavailable",
    "the shard's owner must open the log first: this Redis was promoted or started anew, or SHARDS is being changed",
  );
}
