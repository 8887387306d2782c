/** What maintenance deletes when the clock of a receiver is not right. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Upkeep } from "../../src/app/upkeep.ts";
import { migrateUp } from "../../src/rollup/migrate.ts";
import { COUNTER_STATE_KEPT_SECONDS } from "../../src/rollup/retention.ts";
import { sqliteMigrationDatabase } from "../../src/rollup/sqlite-migration-database.ts";
import { openSqliteRollupStore } from "../../src/rollup/sqlite-rollup-store.ts";
import { valueOf } from "../contract/rollup-database.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { increment, minuteCommit, shardCommit, TEST_DAY } from "../support/shard-commits.ts";

const DAY_SECONDS = 86_400;
const HOUR_MILLIS = 3_600_000;
const STATE_KEY = "a".repeat(32);
/** When the totals were written. */
const WRITTEN = TEST_DAY + 12 * 3600;

let folder: string;
let store: ReturnType<typeof openStore>;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "otel-bandwidth-upkeep-"));
  store = openStore();
});
afterEach(async () => {
  await store.close();
  rmSync(folder, { recursive: true, force: true });
});

function openStore() {
  return valueOf(openSqliteRollupStore({ file: join(folder, "totals.sqlite") }));
}

/** A receiver's maintenance from its start on, with a clock that is ahead by so much; ends after some hours. */
async function maintain(startSeconds: number, aheadSeconds: number, hours: number): Promise<void> {
  const clock = new FakeClock((startSeconds + aheadSeconds) * 1000);
  const complaints: string[] = [];
  const upkeep = new Upkeep({
    clock,
    prepare: async () =>
      await migrateUp(sqliteMigrationDatabase({ file: join(folder, "totals.sqlite") }), startSeconds),
    store,
    report: (message) => void complaints.push(message),
    migrated: async () => undefined,
  });
  await upkeep.start();
  await clock.advance(hours * HOUR_MILLIS);
  upkeep.stop();
  expect(complaints).toEqual([]);
}

/** A stream that is counted, and a minute. */
async function write(): Promise<void> {
  valueOf(await store.offset(0));
  const state = { stateKey: STATE_KEY, slot: 1, state: new Uint8Array([1]), touchedAt: WRITTEN };
  valueOf(
    await store.commit(minuteCommit("0-0", "1-0", ["/a"], [increment("/a", { frames: 1 })], { counterState: [state] })),
  );
}

async function kept(): Promise<{ readonly state: number; readonly minutes: number }> {
  const [row] = valueOf(await store.counterState([STATE_KEY]));
  return { state: row?.state.length ?? 0, minutes: valueOf(await store.rows("minute", 0, 2 ** 40)).length };
}

describe("maintenance by a receiver", () => {
  it("that starts with its clock ahead, again and again, deletes nothing before its time", async () => {
    await maintain(WRITTEN, 0, 1);
    await write();
    for (let start = 0; start < 3; start += 1) {
      await maintain(WRITTEN + (2 + start) * 3600, 30 * DAY_SECONDS, 1);
      // Whoever commits with that clock says that it is later.
      const [from, to] = [`${start + 1}-0`, `${start + 2}-0`];
      valueOf(await store.commit(shardCommit(from, to, { persistedAt: WRITTEN + 30 * DAY_SECONDS })));
    }
    expect(await kept()).toEqual({ state: 1, minutes: 1 });
  });

  it("that starts with its clock ahead where none was maintained before, does neither", async () => {
    valueOf(await migrateUp(sqliteMigrationDatabase({ file: join(folder, "totals.sqlite") }), WRITTEN));
    await write();
    await maintain(WRITTEN + 3600, 30 * DAY_SECONDS, 1);
    expect(await kept()).toEqual({ state: 1, minutes: 1 });
  });

  it("deletes at its time where one runs, also after a start with the clock ahead", async () => {
    await maintain(WRITTEN, 0, 1);
    await write();
    await maintain(WRITTEN + 2 * 3600, 30 * DAY_SECONDS, 1);
    await maintain(WRITTEN + 3 * 3600, 0, 47);
    expect(await kept()).toEqual({ state: 1, minutes: 0 });
    await maintain(WRITTEN + 50 * 3600, 0, COUNTER_STATE_KEPT_SECONDS / 3600 - 49);
    expect(await kept()).toEqual({ state: 0, minutes: 0 });
  });

  it("goes on from where it was after a pause without a receiver, a little faster than time passes", async () => {
    await maintain(WRITTEN, 0, 1);
    await write();
    await maintain(WRITTEN + 10 * DAY_SECONDS, 0, 1);
    expect(await kept()).toEqual({ state: 1, minutes: 1 });
    await maintain(WRITTEN + 10 * DAY_SECONDS + 2 * 3600, 0, 72);
    expect(await kept()).toEqual({ state: 0, minutes: 0 });
  });
});
