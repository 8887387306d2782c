/** Time of the live page: the only file of it that takes time from the browser. */
import type { Clock } from "../model/clock.ts";

/** The clock of a browser. */
export const pageClock: Clock = {
  nowMillis: () => Date.now(),
  monotonicMillis: () => performance.now(),
  after(delayMillis, callback) {
    const handle = setTimeout(callback, delayMillis);
    return { clear: () => clearTimeout(handle) };
  },
};
