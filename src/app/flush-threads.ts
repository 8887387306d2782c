/**
 * Signals reach the main thread only: it asks the worker threads to export what is left before the process ends.
 */

import { BroadcastChannel, threadId, type Worker } from "node:worker_threads";

/** The name of the channel between the threads of a process. */
const CHANNEL = "otel-bandwidth.flush";

/** The main thread asks; a worker thread says that it listens, has flushed, is gone. */
type Message = { readonly ask: "flush" } | { readonly thread: number; readonly is: "listening" | "flushed" | "gone" };

/** In a worker thread: calls `flush` whenever the main thread asks. `flush` never rejects. Keeps no thread alive. */
export function flushWhenAsked(flush: () => Promise<void>): void {
  const channel = openChannel((message) => {
    if ("ask" in message) void flush().then(() => tell("flushed"));
  });
  const tell = (is: "listening" | "flushed" | "gone"): void => {
    const message: Message = { thread: threadId, is };
    channel.postMessage(message);
  };
  tell("listening");
  process.once("exit", () => tell("gone"));
}

/** In the main thread: returns what asks the worker threads that listen, and waits until each has flushed or is gone. */
export function flushThreads(): () => Promise<void> {
  const listening = new Set<number>();
  const pending = new Set<number>();
  let done: (() => void) | undefined;
  const channel = openChannel((message) => {
    if (!("thread" in message)) return;
    if (message.is === "listening") listening.add(message.thread);
    else ended(message.thread, message.is === "gone");
  });
  const ended = (thread: number, isGone: boolean): void => {
    if (isGone) listening.delete(thread);
    pending.delete(thread);
    if (pending.size === 0) done?.();
  };
  // One that is terminated says nothing; its number is known only while it runs.
  process.on("worker", (worker: Worker) => {
    const thread = worker.threadId;
    worker.once("exit", () => ended(thread, true));
  });
  return async () => {
    if (listening.size === 0) return;
    for (const thread of listening) pending.add(thread);
    await new Promise<void>((resolve) => {
      done = resolve;
      channel.ref();
      const message: Message = { ask: "flush" };
      channel.postMessage(message);
    });
    channel.unref();
  };
}

function openChannel(onMessage: (message: Message) => void): BroadcastChannel {
  const channel = new BroadcastChannel(CHANNEL);
  channel.addEventListener("message", (event) => onMessage((event as MessageEvent).data as Message));
  channel.unref();
  return channel;
}
