/**
 * Shared by the doors: how many requests became what.
 */
import type { FailureCode, Result } from "./result.ts";

/** What became of a request: it was taken in, or why not. */
export type RequestOutcome = "accepted" | FailureCode;

/** Counts that only grow; as many as there are outcomes. */
export class OutcomeCounts {
  readonly #counts = new Map<RequestOutcome, number>();

  /** Counts an outcome. */
  add(outcome: RequestOutcome): void {
    this.#counts.set(outcome, (this.#counts.get(outcome) ?? 0) + 1);
  }

  /** Counts what a result says. */
  addResult(result: Result<unknown>): void {
    this.add(result.kind === "success" ? "accepted" : result.code);
  }

  /** The counts since the start. */
  counts(): ReadonlyMap<RequestOutcome, number> {
    return new Map(this.#counts);
  }
}
