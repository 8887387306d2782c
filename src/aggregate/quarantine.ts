/**
 * Fold, inside: what can never be folded is put aside with its reason, so that the shard goes on and nothing is lost.
 */
import type { FoldableEntry } from "./offered-entries.ts";
import type { QuarantineRow } from "../model/rollup-store.ts";

const MAX_REASON_LENGTH = 255;
/** As much of a metric as is kept. */
const MAX_PAYLOAD_BYTES = 1_048_576;

/** Kept between two commits: so many for one reason, so many and so many bytes for all. What comes beyond is only counted. */
const MAX_ROWS_PER_REASON = 20;
const MAX_ROWS = 200;
const MAX_BYTES = 8 * 1_048_576;

/** What was put aside since the last commit. */
export class Quarantine {
  #rows: QuarantineRow[] = [];
  #bytes = 0;
  readonly #reasons = new Map<string, number>();

  /** Puts a part of an entry aside. */
  add(entry: FoldableEntry, reason: string, payload: Uint8Array): void {
    const kept = reason.slice(0, MAX_REASON_LENGTH);
    const known = this.#reasons.get(kept) ?? 0;
    const bytes = Math.min(payload.length, MAX_PAYLOAD_BYTES);
    if (known >= MAX_ROWS_PER_REASON || this.#rows.length >= MAX_ROWS || this.#bytes + bytes > MAX_BYTES) return;
    this.#reasons.set(kept, known + 1);
    this.#bytes += bytes;
    this.#rows.push({
      logId: entry.id,
      receivedAt: Math.floor(entry.receivedAtMillis / 1000),
      reason: kept,
      payload: Uint8Array.prototype.slice.call(payload, 0, bytes),
    });
  }

  /** Takes what was put aside. */
  take(): QuarantineRow[] {
    const rows = this.#rows;
    this.#rows = [];
    this.#bytes = 0;
    this.#reasons.clear();
    return rows;
  }
}
