/**
 * The port through which time comes in: stages never read a clock or set a timer of their own, so tests can move time.
 */

/** A timer that was set and can be cleared. */
export interface Timer {
  /** Stops the timer; clearing twice is harmless. */
  clear(): void;
}

/** Time as the stages see it. */
export interface Clock {
  /** Wall-clock time, milliseconds since the Unix epoch. May jump. */
  nowMillis(): number;
  /** A time that never goes back, milliseconds from an arbitrary start: for durations and deadlines. */
  monotonicMillis(): number;
  /** Calls `callback` once after `delayMillis`. The timer does not keep the process alive. */
  after(delayMillis: number, callback: () => void): Timer;
}

/** The clock of the machine. */
export const systemClock: Clock = {
  nowMillis: () => Date.now(),
  monotonicMillis: () => performance.now(),
  after(delayMillis, callback) {
    const handle = setTimeout(callback, delayMillis);
    handle.unref();
    return { clear: () => clearTimeout(handle) };
  },
};
