/**
 * Before a commit reaches SQL: quarantine has a limit for each shard. What is there stays, what comes beyond it is not
 * kept: a flood must not wash away what was put aside before it. `receiver_minute` counts both.
 */
import type { QuarantineRow } from "../model/rollup-store.ts";
import {
  MAX_QUARANTINE_BYTES_PER_SHARD,
  MAX_QUARANTINE_PAYLOAD_BYTES,
  MAX_QUARANTINE_ROWS_PER_SHARD,
} from "./retention.ts";

/** What a shard's quarantine holds. */
export interface QuarantineHeld {
  readonly rows: number;
  /** Of payloads. */
  readonly bytes: number;
}

/** The first of the rows, as many as there is room for. */
export function quarantineThatFits(rows: readonly QuarantineRow[], held: QuarantineHeld): readonly QuarantineRow[] {
  let bytes = held.bytes;
  let count = 0;
  for (const { payload } of rows) {
    bytes += Math.min(payload.length, MAX_QUARANTINE_PAYLOAD_BYTES);
    if (held.rows + count >= MAX_QUARANTINE_ROWS_PER_SHARD || bytes > MAX_QUARANTINE_BYTES_PER_SHARD) break;
    count += 1;
  }
  return rows.slice(0, count);
}
