/** Main thread: waiting that ends, whatever a browser or a bridge does not answer. */
import { browserClock } from "./surroundings.ts";

/** The longest that anybody waits. */
const PATIENCE_MILLIS = 3_000;

/** Resolves when the work is done, or when {@link PATIENCE_MILLIS} have passed. Never rejects. */
export async function withPatience(work: Promise<void>): Promise<void> {
  await new Promise<void>((resolve) => {
    const finish = (): void => {
      timer.clear();
      resolve();
    };
    const timer = browserClock.after(PATIENCE_MILLIS, resolve);
    work.then(finish, finish);
  });
}
