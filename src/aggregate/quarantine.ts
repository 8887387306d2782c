/**
 * Fold, inside: what can never be folded is put aside with its reason, so that the shard goes on and nothing is lost.
 */
import type { FoldableEntry } from "./offered-entries.ts";
import type { QuarantineRow } from "../model/rollup-store.ts";

const MAX_REASON_LENGTH = 255;
/** As much of a metric as is kept. */
const MAX_PAYLOAD_BYTES = 1_048_576;

/** What was put aside since the last commit. */
export class Quarantine {
  #rows: QuarantineRow[] = [];

  /** Puts a part of an entry aside. */
  add(entry: FoldableEntry, reason: string, payload: Uint8Array): void {
    this.#rows.push({
      logId: entry.id,
      receivedAt: Math.floor(entry.receivedAtMillis / 1000),
      reason: reason.slice(0, MAX_REASON_LENGTH),
      payload: Uint8Array.prototype.slice.call(payload, 0, MAX_PAYLOAD_BYTES),
    });
  }

  /** Takes what was put aside. */
  take(): QuarantineRow[] {
    const rows = this.#rows;
    this.#rows = [];
    return rows;
  }
}
