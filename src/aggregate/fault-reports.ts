/**
 * What an owner tells of faults: once per change, not once per try.
 */
import type { Result, Success } from "../model/result.ts";

/** The parts of the world that an owner depends on; each is reported on its own. */
export type FaultPart = "totals" | "log" | "lease" | "realtime" | "fold";

/** The last fault of each part. */
export class FaultReports {
  readonly #report: (message: string) => void;
  readonly #faults = new Map<FaultPart, string>();

  constructor(report: (message: string) => void) {
    this.#report = report;
  }

  /** A fault, one sentence; told unless it is what was told of this part last. */
  failed(part: FaultPart, message: string): void {
    if (this.#faults.get(part) === message) return;
    this.#faults.set(part, message);
    this.#report(message);
  }

  /** The part works again: its next fault is told, whatever it is. */
  mended(part: FaultPart): void {
    this.#faults.delete(part);
  }

  /** Whether the last that was noted of the part is a fault. */
  isFailing(part: FaultPart): boolean {
    return this.#faults.has(part);
  }

  /** Whether a result is a success; what it says of the part's health is noted. */
  accepted<T>(part: FaultPart, result: Result<T>): result is Success<T> {
    if (result.kind === "success") this.mended(part);
    else this.failed(part, result.reason);
    return result.kind === "success";
  }
}
