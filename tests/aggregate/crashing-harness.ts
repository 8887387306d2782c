/** A fold that dies at any time: what it had not committed is folded again from the log by its successor. */
import { ShardFold } from "../../src/aggregate/shard-fold.ts";
import type { LogEntry } from "../../src/model/ingest-log.ts";
import { FoldHarness } from "./fold-harness.ts";

type Received = Parameters<FoldHarness["receive"]>;

/** A {@link FoldHarness} with a log. */
export class CrashingHarness extends FoldHarness {
  #uncommitted: Received[] = [];

  override receive(body: Uint8Array, receivedAtSeconds: number, extra: Partial<LogEntry> = {}): this {
    this.#uncommitted.push([body, receivedAtSeconds, extra]);
    return super.receive(body, receivedAtSeconds, extra);
  }

  override commit(): this {
    this.#uncommitted = [];
    return super.commit();
  }

  /** Drops everything that is not committed; the next process folds the log again from there. */
  crash(): this {
    const entries = this.#uncommitted;
    this.#uncommitted = [];
    this.fold = new ShardFold(this.options);
    this.fold.recall(this.states.flatMap(({ ledger }) => ledger));
    for (const entry of entries) this.receive(...entry);
    return this;
  }
}
