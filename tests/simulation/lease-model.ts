/** The model of one shard's lease on one server. */
import type { LeaseView } from "../../src/model/shard-lease.ts";

/** Who holds the shard, until when. */
export class LeaseModel {
  #holder = "";
  #untilMillis = 0;
  /** Until when who stands. */
  readonly #standing = new Map<string, number>();

  /** Lets `holder` be seen for `ttlMillis`, and renews its lease. */
  stand(holder: string, nowMillis: number, ttlMillis: number): LeaseView {
    this.#standing.set(holder, nowMillis + ttlMillis);
    for (const [name, untilMillis] of this.#standing) if (untilMillis <= nowMillis) this.#standing.delete(name);
    const candidates = [...this.#standing.keys()].sort();
    if (this.#untilMillis <= nowMillis) return { state: "free", candidates };
    if (this.#holder !== holder) return { state: "taken", candidates };
    this.#untilMillis = nowMillis + ttlMillis;
    return { state: "held", candidates };
  }

  /** Takes or renews; true when `holder` has it for `ttlMillis` from now. */
  hold(holder: string, nowMillis: number, ttlMillis: number): boolean {
    if (this.#holder !== holder && this.#untilMillis > nowMillis) return false;
    this.#holder = holder;
    this.#untilMillis = nowMillis + ttlMillis;
    return true;
  }

  /** Gives it up; another's is left alone. */
  handOver(holder: string): void {
    if (this.#holder === holder) this.#untilMillis = 0;
  }

  /** Gives it up and stands no more. */
  release(holder: string): void {
    this.handOver(holder);
    this.#standing.delete(holder);
  }

  /** Forgets it: the next who asks has it, whoever still believes to. */
  forget(): void {
    this.#untilMillis = 0;
    this.#standing.clear();
  }
}
