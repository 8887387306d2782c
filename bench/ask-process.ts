/** One question to a process that the bench has forked, and its answer. */
import type { ChildProcess, Serializable } from "node:child_process";
import { once } from "node:events";

/** Sends an order and resolves with the next message that comes back. Rejects, with `name`, when the process ends before. */
export async function askProcess<T>(child: ChildProcess, name: string, order: Serializable): Promise<T> {
  const ended = new AbortController();
  const answered = once(child, "message", { signal: ended.signal });
  const exited = once(child, "exit", { signal: ended.signal }).then(() => {
    throw new Error(`the ${name} process ended`);
  });
  child.send(order);
  try {
    const [answer] = await Promise.race([answered, exited]);
    return answer as T;
  } finally {
    ended.abort();
    answered.catch(() => undefined);
    exited.catch(() => undefined);
  }
}
