/**
 * The number of shards where several databases hold the totals together. Each keeps the layout of its own shards; receivers are at a
 * layout until all databases have left it. A change that is cut short in between goes on where it stopped.
 */
import { failure, success, type Result } from "../model/result.ts";
import type { LayoutStore, ShardLayout } from "../model/shard-layout.ts";
import { layoutElsewhere } from "./layout-statements.ts";

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
    const databases = this.#stores.length;
    if (shardCount % databases !== 0)
      return failure("invalid", `${shardCount} shards are no multiple of ${databases} databases`);
    const read = await this.#all();
    if (read.kind !== "success") return read;
    const [first] = read.value;
    // Where the first database is ahead, its change is first to be ended.
    if (!isSame(first!, from)) return layoutElsewhere();
    const begins = from.shardCount === 0;
    for (const [position, layout] of read.value.entries()) {
      if (position > 0 && !begins) break;
      const wanted = await this.#stores[position]!.want(layout, shardCount);
      if (wanted.kind !== "success") return wanted;
    }
    return success(undefined);
  }

  async change(from: ShardLayout): Promise<Result<void>> {
    const read = await this.#all();
    if (read.kind !== "success") return read;
    const changed = await Promise.all(
      this.#stores.map(async (store, position) => {
        const { epoch } = read.value[position]!;
        return epoch === from.epoch ? await changeOne(store, from) : success(undefined);
      }),
    );
    return changed.find(({ kind }) => kind !== "success") ?? success(undefined);
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

function isSame(left: ShardLayout, right: ShardLayout): boolean {
  return left.epoch === right.epoch && left.wantedShardCount === right.wantedShardCount;
}

/** The layout that not all of them have left. */
function together(all: readonly ShardLayout[]): ShardLayout {
  const [first] = all;
  const epoch = Math.min(...all.map((layout) => layout.epoch));
  const current = all.filter((layout) => layout.epoch === epoch);
  // One that was not begun when a receiver died has no number yet: it gets that of the others.
  const { shardCount, previousShardCount } = current.find((layout) => layout.shardCount > 0) ?? current[0]!;
  const wantedShardCount = first!.epoch === epoch ? first!.wantedShardCount : first!.shardCount;
  return { epoch, shardCount, previousShardCount, wantedShardCount: wantedShardCount || shardCount };
}

/** Brings a database to what all are to have, then changes it. */
async function changeOne(store: LayoutStore, from: ShardLayout): Promise<Result<void>> {
  for (const shardCount of [from.shardCount, from.wantedShardCount]) {
    const read = await store.layout();
    if (read.kind !== "success") return read;
    if (shardCount === from.shardCount && read.value.shardCount > 0) continue;
    const wanted = await store.want(read.value, shardCount);
    if (wanted.kind !== "success") return wanted;
  }
  return await store.change(from);
}
