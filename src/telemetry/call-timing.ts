/**
 * Times calls to stores and tells an observer, so that no store and no stage has to know.
 */
import type { Clock } from "../model/clock.ts";
import type { Result } from "../model/result.ts";
import type { StoreCall, StoreCallObserver, StoreName } from "../model/store-call.ts";

/** Times calls to one store. */
export class CallTiming {
  readonly #store: StoreName;
  readonly #clock: Clock;
  readonly #observer: StoreCallObserver;

  constructor(store: StoreName, clock: Clock, observer: StoreCallObserver) {
    this.#store = store;
    this.#clock = clock;
    this.#observer = observer;
  }

  /** Makes the call and tells how long it took; what it returns is passed on. */
  async time<T>(operation: string, call: () => Promise<Result<T>>): Promise<Result<T>> {
    const startedAt = this.#clock.monotonicMillis();
    const result = await call();
    const seconds = (this.#clock.monotonicMillis() - startedAt) / 1000;
    const told: StoreCall = { store: this.#store, operation, seconds };
    this.#observer(result.kind === "success" ? told : { ...told, failure: result.code });
    return result;
  }
}
