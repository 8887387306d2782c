/** The number of shards over two databases: both change, also when the one who changes them dies in between. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { retryable } from "../../src/model/result.ts";
import type { LayoutStore, ShardLayout } from "../../src/model/shard-layout.ts";
import { LayoutOfDatabases } from "../../src/rollup/layout-of-databases.ts";
import { migrateUp } from "../../src/rollup/migrate.ts";
import { SqliteLayoutStore } from "../../src/rollup/sqlite-layout-store.ts";
import { sqliteMigrationDatabase } from "../../src/rollup/sqlite-migration-database.ts";
import { SqliteRollupStore } from "../../src/rollup/sqlite-rollup-store.ts";
import { SqliteSession } from "../../src/rollup/sqlite-session.ts";
import { valueOf } from "../support/log-entries.ts";
import { TEST_DAY } from "../support/shard-commits.ts";

const DATABASES = 2;

let folder: string;
let stores: readonly SqliteRollupStore[];
let layouts: readonly LayoutStore[];

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "otel-bandwidth-databases-"));
  const files = [join(folder, "first.db"), join(folder, "second.db")];
  for (const file of files) valueOf(await migrateUp(sqliteMigrationDatabase({ file }), TEST_DAY));
  const sessions = files.map((file) => new SqliteSession({ file }));
  stores = sessions.map((session) => new SqliteRollupStore(session));
  layouts = sessions.map((session, position) => new SqliteLayoutStore(() => session, { position, count: DATABASES }));
});
afterEach(async () => {
  for (const store of stores) await store.close();
  rmSync(folder, { recursive: true });
});

const shardsOf = (position: number, shardCount: number): number[] =>
  Array.from({ length: shardCount }, (_, shard) => shard).filter((shard) => shard % DATABASES === position);

async function finish(position: number, shardCount: number): Promise<void> {
  const store = stores[position]!;
  for (const shard of shardsOf(position, shardCount)) {
    valueOf(await store.finish(shard, valueOf(await store.offset(shard))));
  }
}

it("begins in all of them", async () => {
  const all = new LayoutOfDatabases(layouts);
  valueOf(await all.want(valueOf(await all.layout()), 4));
  for (const one of [all, ...layouts]) {
    expect(valueOf(await one.layout())).toMatchObject({ epoch: 1, shardCount: 4, wantedShardCount: 4 });
  }
});

it("changes when the shards of each are finished, each in its own time", async () => {
  const all = new LayoutOfDatabases(layouts);
  valueOf(await all.want(valueOf(await all.layout()), 2));
  valueOf(await all.want(valueOf(await all.layout()), 6));
  const asked = valueOf(await all.layout());
  expect(asked).toMatchObject({ epoch: 1, shardCount: 2, wantedShardCount: 6 });
  await finish(0, 2);
  expect(await all.change(asked)).toMatchObject({ kind: "retryable" });
  expect(valueOf(await layouts[0]!.layout())).toMatchObject({ epoch: 2, shardCount: 6 });
  // To receivers it is under way until the last one has changed.
  expect(valueOf(await all.layout())).toEqual(asked);
  await finish(1, 2);
  valueOf(await all.change(asked));
  expect(valueOf(await all.layout())).toEqual({
    epoch: 2,
    shardCount: 6,
    previousShardCount: 2,
    wantedShardCount: 6,
  });
  for (const [position, store] of stores.entries()) {
    for (const shard of shardsOf(position, 6)) expect(valueOf(await store.offset(shard))).toMatchObject({ layout: 2 });
  }
});

it("is a multiple of their number", async () => {
  const all = new LayoutOfDatabases(layouts);
  expect(await all.want(valueOf(await all.layout()), 3)).toMatchObject({ kind: "failure", code: "invalid" });
  expect(valueOf(await all.layout())).toMatchObject({ shardCount: 0 });
});

it("waits with another wish until all have changed", async () => {
  const all = new LayoutOfDatabases(layouts);
  valueOf(await all.want(valueOf(await all.layout()), 2));
  valueOf(await all.want(valueOf(await all.layout()), 4));
  const asked = valueOf(await all.layout());
  await finish(0, 2);
  await all.change(asked);
  expect(await all.want(asked, 8)).toMatchObject({ kind: "failure", code: "conflict" });
  await finish(1, 2);
  valueOf(await all.change(asked));
  valueOf(await all.want(valueOf(await all.layout()), 8));
  expect(valueOf(await all.layout())).toMatchObject({ epoch: 2, shardCount: 4, wantedShardCount: 8 });
});

it("changes the first before the others, whose shards may be finished earlier", async () => {
  const all = new LayoutOfDatabases(layouts);
  valueOf(await all.want(valueOf(await all.layout()), 2));
  valueOf(await all.want(valueOf(await all.layout()), 4));
  const early = valueOf(await all.layout());
  await finish(1, 2);
  expect(await all.change(early)).toMatchObject({ kind: "retryable" });
  expect(valueOf(await layouts[1]!.layout())).toMatchObject({ epoch: 1, shardCount: 2 });
  // So that another wish is still one for all of them.
  valueOf(await all.want(early, 8));
  expect(await all.change(early)).toMatchObject({ kind: "failure", code: "conflict" });
  await finish(0, 2);
  valueOf(await all.change(valueOf(await all.layout())));
  for (const one of [all, ...layouts]) {
    expect(valueOf(await one.layout())).toMatchObject({ epoch: 2, shardCount: 8, wantedShardCount: 8 });
  }
});

it("takes the number of the database that is ahead, whichever it is", async () => {
  const all = new LayoutOfDatabases(layouts);
  valueOf(await all.want(valueOf(await all.layout()), 2));
  await finish(1, 2);
  // As it was left when all of them changed at once.
  valueOf(await layouts[1]!.want(valueOf(await layouts[1]!.layout()), 4));
  valueOf(await layouts[1]!.change(valueOf(await layouts[1]!.layout())));
  valueOf(await layouts[0]!.want(valueOf(await layouts[0]!.layout()), 8));
  const split = valueOf(await all.layout());
  expect(split).toMatchObject({ epoch: 1, shardCount: 2, wantedShardCount: 4 });
  expect(await all.want(split, 8)).toMatchObject({ kind: "failure", code: "conflict" });
  await finish(0, 2);
  valueOf(await all.change(split));
  for (const one of [all, ...layouts]) {
    expect(valueOf(await one.layout())).toMatchObject({ epoch: 2, shardCount: 4, wantedShardCount: 4 });
  }
});

it("never begins a number that the databases cannot share evenly, whoever asked for it", async () => {
  const all = new LayoutOfDatabases(layouts);
  valueOf(await all.want(valueOf(await all.layout()), 2));
  // Past the databases' own refusal: by who knew of the first only.
  valueOf(await layouts[0]!.want(valueOf(await layouts[0]!.layout()), 3));
  await finish(0, 2);
  await finish(1, 2);
  const asked = valueOf(await all.layout());
  expect(await all.change(asked)).toMatchObject({ kind: "failure", code: "invalid" });
  valueOf(await all.want(asked, 4));
  valueOf(await all.change(valueOf(await all.layout())));
  expect(valueOf(await all.layout())).toMatchObject({ epoch: 2, shardCount: 4, wantedShardCount: 4 });
});

it("goes on after whoever began died between two databases", async () => {
  const unreachable = async (): Promise<ReturnType<typeof retryable>> => retryable("unavailable", "cut");
  const cut: LayoutStore = { layout: () => layouts[1]!.layout(), want: unreachable, change: unreachable };
  const dying = new LayoutOfDatabases([layouts[0]!, cut]);
  const none = valueOf(await dying.layout());
  expect(await dying.want(none, 2)).toMatchObject({ kind: "retryable" });
  const all = new LayoutOfDatabases(layouts);
  const begun: ShardLayout = valueOf(await all.layout());
  expect(begun).toMatchObject({ epoch: 1, shardCount: 2, wantedShardCount: 2 });
  valueOf(await all.want(begun, 4));
  const asked = valueOf(await all.layout());
  await finish(0, 2);
  await finish(1, 2);
  expect(await dying.change(asked)).toMatchObject({ kind: "retryable" });
  valueOf(await all.change(asked));
  for (const one of [all, ...layouts]) {
    expect(valueOf(await one.layout())).toMatchObject({ epoch: 2, shardCount: 4, wantedShardCount: 4 });
  }
});
