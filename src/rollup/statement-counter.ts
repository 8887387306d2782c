/**
 * Counts the statements a store sends, for our own health and for the statement budget.
 */

const WRITES = /^\s*(?:INSERT|UPDATE|DELETE|REPLACE)\b/i;
const READS = /^\s*SELECT\b/i;

/** Counts of statements by what they do. Transaction control and schema changes are in neither. */
export class StatementCounter {
  #writes = 0;
  #reads = 0;

  /** Counts a statement by its first word. */
  add(sql: string): void {
    if (WRITES.test(sql)) this.#writes += 1;
    else if (READS.test(sql)) this.#reads += 1;
  }

  /** The counts since the start. */
  counts(): { readonly writes: number; readonly reads: number } {
    return { writes: this.#writes, reads: this.#reads };
  }
}
