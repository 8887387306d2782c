/**
 * Exports what is left when the process ends, without changing how it ends.
 */

import { diag } from "@opentelemetry/api";
import { isMainThread } from "node:worker_threads";
import { flushThreads, flushWhenAsked } from "./flush-threads.ts";

/** The longest that a SIGTERM waits for the flush. */
const FLUSH_DEADLINE_MILLIS = 3_000;

/**
 * Calls `flush` when the event loop runs empty and on SIGTERM, then in worker threads too. After the flush the signal is raised again if the host has no
 * handler of its own, so that it ends the process as it would have without us. `process.exit()` leaves no time for
 * anything asynchronous: what was measured since the last export is then lost.
 */
export function flushBeforeExit(flush: () => Promise<void>): void {
  const flushSafely = async (): Promise<void> => {
    try {
      await flush();
    } catch (error) {
      diag.error("otel-bandwidth/register: the last export failed", error);
    }
  };
  // Once: an export keeps the loop busy, so a second flush would follow the first for ever.
  process.once("beforeExit", () => void flushSafely());
  if (!isMainThread) {
    flushWhenAsked(flushSafely);
    return;
  }
  const threads = flushThreads();
  const flushAll = async (): Promise<void> => void (await Promise.all([flushSafely(), threads()]));
  process.once("SIGTERM", (signal) => void flushThenRaise(signal, flushAll));
}

async function flushThenRaise(signal: NodeJS.Signals, flush: () => Promise<void>): Promise<void> {
  const hostHandles = process.listenerCount(signal) > 0;
  await Promise.race([flush(), deadline()]);
  if (!hostHandles && process.listenerCount(signal) === 0) process.kill(process.pid, signal);
}

function deadline(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, FLUSH_DEADLINE_MILLIS).unref());
}
