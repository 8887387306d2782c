/** A realtime store whose calls are timed. */
import type { RealtimeStore } from "../model/realtime-store.ts";
import type { CallTiming } from "./call-timing.ts";

/** The same store, timed. */
export function timedRealtimeStore(store: RealtimeStore, timing: CallTiming): RealtimeStore {
  return {
    update: (update) => timing.time("update", () => store.update(update)),
    snapshot: (nowMillis) => timing.time("snapshot", () => store.snapshot(nowMillis)),
    steps: (nowMillis) => timing.time("steps", () => store.steps(nowMillis)),
  };
}
