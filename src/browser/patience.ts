/** Main thread: waiting that ends, whatever a browser or a bridge does not answer. */
import { browserClock } from "./surroundings.ts";

/** The longest that a page waits. */
const PATIENCE_MILLIS = 3_000;

/** Resolves when the work is done, or when `millis` have passed. Never rejects. */
export async function withPatience(work: Promise<void>, millis: number = PATIENCE_MILLIS): Promise<void> {
  await new Promise<void>((resolve) => {
    const finish = (): void => {
      timer.clear();
      resolve();
    };
    const timer = browserClock.after(millis, resolve);
    work.then(finish, finish);
  });
}
