/** What the stores of one shard took of time since it was last asked: for `receiver_minute`. */
import type { StoreTimes } from "../model/rollup-store.ts";
import type { StoreCall } from "../model/store-call.ts";

type MutableTimes = { -readonly [name in keyof StoreTimes]: number };

const zero = (): MutableTimes => ({
  commits: 0,
  commitMicros: 0,
  logCalls: 0,
  logMicros: 0,
  realtimeUpdates: 0,
  realtimeMicros: 0,
});

/** Adds up the times of calls. */
export class ShardTimes {
  #times = zero();

  /** Adds a call: every one to the log, updates of the live figures, and commits. */
  add({ store, operation, seconds }: StoreCall): void {
    const times = this.#times;
    const micros = Math.round(seconds * 1e6);
    if (store === "log") {
      times.logCalls++;
      times.logMicros += micros;
    } else if (operation === "update") {
      times.realtimeUpdates++;
      times.realtimeMicros += micros;
    } else if (operation === "commit") {
      times.commits++;
      times.commitMicros += micros;
    }
  }

  /** Takes what was added. */
  take(): StoreTimes {
    const taken = this.#times;
    this.#times = zero();
    return taken;
  }
}
