/**
 * Keeps our own faults away from the host: a throwing diagnostics_channel subscriber would end its process.
 */

import { diag } from "@opentelemetry/api";

/** Counts faults and tells the first one to the OpenTelemetry diagnostics. */
export class FaultGuard {
  #count = 0;

  /** How many faults there were. */
  get count(): number {
    return this.#count;
  }

  /** Takes note of a fault. Never throws. */
  report(error: unknown): void {
    this.#count += 1;
    if (this.#count > 1) return;
    try {
      diag.error("otel-bandwidth/http: a fault while counting; further faults are only counted", error);
    } catch {
      // The host's diagnostics logger is at fault: there is nobody left to tell.
    }
  }

  /** Returns `action` so that it never throws. */
  wrap<T = void>(action: (argument: T) => void): (argument: T) => void {
    return (argument) => {
      try {
        action(argument);
      } catch (error) {
        this.report(error);
      }
    };
  }
}
