/**
 * Gives an answer that may never come a time by which it must.
 */
import type { Clock } from "../model/clock.ts";

/**
 * Settles as `pending` does, or rejects after `timeoutMillis`, calling `onTimeout` first. What comes later is ignored.
 */
export function beforeDeadline<T>(
  pending: Promise<T>,
  timeoutMillis: number,
  clock: Clock,
  onTimeout: () => void,
): Promise<T> {
  const { promise, resolve, reject } = Promise.withResolvers<T>();
  const timer = clock.after(timeoutMillis, () => {
    onTimeout();
    reject(new Error(`no answer within ${timeoutMillis} ms`));
  });
  pending.then(resolve, reject).finally(() => timer.clear());
  return promise;
}
