/**
 * The number of shards where several databases hold the totals together. Each keeps the layout of its own shards; receivers are at a
 * layout until all databases have left it. The first changes before the others, and they take its number. A change that is cut short in
 * between goes on where it stopped.
 */
import { success, type Result } from "../model/result.ts";
import type { LayoutStore, ShardLayout } from "../model/shard-layout.ts";
import { layoutElsewhere, unevenRefusal } from "./layout-statements.ts";

/** The layout of several databases. The first one says what is wanted. */
export class LayoutOfDatabases implements LayoutStore {
  readonly #stores: readonly LayoutStore[];

  /** By the databases' positions; at least one. */
  constructor(stores: readonly LayoutStore[]) {
    this.#stores = stores;
  }

  async layout(): Promise<Result<ShardLayout>> {
    const read = await this.#all();
    return read.kind === "success" ? success(together(read.value)) : read;
  }

  /** Failure `invalid` also for a number that the databases cannot share evenly: a slot would change its database. */
  async want(from: ShardLayout, shardCount: number): Promise<Result<void>> {
    const uneven = unevenRefusal(shardCount, this.#stores.length);
    if (uneven) return uneven;
    const read = await this.#all();
    if (read.kind !== "success") return read;
    const [first] = read.value;
    // Where one database is ahead, that change is first to be ended: it would get other shards than those that follow it.
    const isUnderWay = read.value.some(({ epoch }) => epoch !== from.epoch);
    if (isUnderWay || first!.wantedShardCount !== from.wantedShardCount) return layoutElsewhere();
    const begins = from.shardCount === 0;
    for (const [position, layout] of read.value.entries()) {
      if (position > 0 && !begins) break;
      const wanted = await this.#stores[position]!.want(layout, shardCount);
      if (wanted.kind !== "success") return wanted;
    }
    return success(undefined);
  }

  /** Failure `invalid` also for a number that the databases cannot share evenly. */
  async change(from: ShardLayout): Promise<Result<void>> {
    const uneven = unevenRefusal(from.wantedShardCount, this.#stores.length);
    if (uneven) return uneven;
    const read = await this.#all();
    if (read.kind !== "success") return read;
    const ahead = read.value.find(({ epoch }) => epoch !== from.epoch);
    const number = ahead === undefined ? await this.#changeFirst(from) : success(ahead.shardCount);
    if (number.kind !== "success") return number;
    const asked = { ...from, wantedShardCount: number.value };
    const changed = await Promise.all(this.#stores.map((store) => follow(store, asked)));
    return changed.find(({ kind }) => kind !== "success") ?? success(undefined);
  }

  /** The number that the others are to take: until the first has changed another one may be asked for. */
  async #changeFirst(from: ShardLayout): Promise<Result<number>> {
    const first = this.#stores[0]!;
    const changed = await first.change(from);
    if (changed.kind !== "success") return changed;
    const read = await first.layout();
    return read.kind === "success" ? success(read.value.shardCount) : read;
  }

  async #all(): Promise<Result<readonly ShardLayout[]>> {
    const layouts: ShardLayout[] = [];
    for (const read of await Promise.all(this.#stores.map((store) => store.layout()))) {
      if (read.kind !== "success") return read;
      layouts.push(read.value);
    }
    return success(layouts);
  }
}

/** The layout that not all of them have left. */
function together(all: readonly ShardLayout[]): ShardLayout {
  const [first] = all;
  const epoch = Math.min(...all.map((layout) => layout.epoch));
  const current = all.filter((layout) => layout.epoch === epoch);
  // One that was not begun when a receiver died has no number yet: it gets that of the others.
  const { shardCount, previousShardCount } = current.find((layout) => layout.shardCount > 0) ?? current[0]!;
  const ahead = all.find((layout) => layout.epoch > epoch);
  const wantedShardCount = ahead?.shardCount ?? first!.wantedShardCount;
  return { epoch, shardCount, previousShardCount, wantedShardCount: wantedShardCount || shardCount };
}

/** Brings a database that is at the layout `from` to what all are to have, then changes it. */
async function follow(store: LayoutStore, from: ShardLayout): Promise<Result<void>> {
  for (const shardCount of [from.shardCount, from.wantedShardCount]) {
    const read = await store.layout();
    if (read.kind !== "success") return read;
    if (read.value.epoch !== from.epoch) return success(undefined);
    if (shardCount === from.shardCount && read.value.shardCount > 0) continue;
    const wanted = await store.want(read.value, shardCount);
    if (wanted.kind !== "success") return wanted;
  }
  return await store.change(from);
}
