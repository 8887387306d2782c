/**
 * The port through which calls to stores are measured: stages know nothing of what becomes of it.
 */
import type { FailureCode } from "./result.ts";

/** The stores of a receiver. */
export type StoreName = "log" | "realtime" | "totals";

/** A call that has ended. */
export interface StoreCall {
  readonly store: StoreName;
  /** The method of its port, as `db.operation.name` has it. */
  readonly operation: string;
  readonly seconds: number;
  /** Why it failed; absent when it did not. */
  readonly failure?: FailureCode;
}

/** Told of each call when it has ended. */
export type StoreCallObserver = (call: StoreCall) => void;
