/** Time and randomness of a page or worker: the only file of the page side that takes them from the browser. */
import type { Clock } from "../model/clock.ts";

/** The clock of a browser. */
export const browserClock: Clock = {
  nowMillis: () => Date.now(),
  monotonicMillis: () => performance.now(),
  after(delayMillis, callback) {
    const handle = setTimeout(callback, delayMillis);
    return { clear: () => clearTimeout(handle) };
  },
};

/** From 0 to 1, uniform. */
export function browserRandom(): number {
  return Math.random();
}

/** An id that no other page has. Works in pages that are not served securely, where `randomUUID` is missing. */
export function randomInstanceId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(12));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

const waiting: (() => void)[] = [];
let channel: InstanceType<typeof MessageChannel> | undefined;

/** Calls back after the page had a turn; unlike a timer, not delayed in hidden tabs. */
export function afterTurn(callback: () => void): void {
  // One for all: a channel costs as much as what is done in a turn.
  channel ??= openChannel();
  waiting.push(callback);
  channel.port2.postMessage(undefined);
}

function openChannel(): InstanceType<typeof MessageChannel> {
  const opened = new MessageChannel();
  opened.port1.addEventListener("message", takeTurn);
  opened.port1.start();
  return opened;
}

function takeTurn(): void {
  waiting.shift()?.();
}
