/**
 * `otel-bandwidth reshard --to N`: asks the running receivers for another number of shards, and waits until they have it.
 */
import { parseArgs } from "node:util";
import { systemClock } from "../model/clock.ts";
import { success, type Result } from "../model/result.ts";
import type { LayoutStore, ShardLayout } from "../model/shard-layout.ts";
import { SLOT_COUNT } from "../model/slot.ts";
import { commandSettings } from "./command-settings.ts";
import { openTotalsStore } from "./stores.ts";
import { UsageError } from "./usage-error.ts";
import { OUT_OF_REACH, withTotals } from "./with-totals.ts";

/** How long receivers are waited for: a lease of one that died runs out within it, many times. */
const WAIT_MILLIS = 60_000;
const LOOK_MILLIS = 500;

/**
 * Runs the command. Ends with 0 when the number of shards is the one asked for, 1 when no receiver changed it in time, 3 when SQL is out
 * of reach, or a database is not the one that `MYSQL_URL` takes it for.
 */
export async function reshard(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({ args: [...args], options: { to: { type: "string" } } });
  const wanted = Number(values.to);
  if (values.to === undefined || !/^\d+$/.test(values.to) || wanted < 1 || wanted > SLOT_COUNT) {
    throw new UsageError(`reshard: --to N is needed, a whole number from 1 to ${SLOT_COUNT}`);
  }
  const settings = commandSettings();
  if (settings.mysqlUrl === undefined) {
    return complain("an embedded receiver has as many shards as SHARDS says: set it and start the receiver again", 1);
  }
  // A number that these databases can share is none for others: a slot would change its database, away from its state.
  const placed = await withTotals(settings, systemClock, async () => undefined);
  if (placed.kind !== "success") return complain(placed.reason, OUT_OF_REACH);
  const opened = openTotalsStore(settings, systemClock);
  if (opened.kind !== "success") return complain(opened.reason, OUT_OF_REACH);
  const { store, layouts } = opened.value;
  try {
    return await change(layouts, wanted);
  } finally {
    await store.close();
  }
}

async function change(layouts: LayoutStore, wanted: number): Promise<number> {
  const read = await layouts.layout();
  if (read.kind !== "success") return complain(read.reason, OUT_OF_REACH);
  if (read.value.shardCount === 0) return complain("no receiver has begun yet: SHARDS of the first one counts", 1);
  if (read.value.shardCount === wanted && read.value.wantedShardCount === wanted) {
    return say(`there are ${wanted} shards already`);
  }
  const asked = await layouts.want(read.value, wanted);
  if (asked.kind !== "success") return complain(asked.reason, asked.kind === "failure" ? 1 : OUT_OF_REACH);
  say(`from ${read.value.shardCount} to ${wanted} shards: waiting for the receivers`);
  const changed = await waitFor(layouts, wanted);
  if (changed.kind !== "success") return complain(changed.reason, OUT_OF_REACH);
  if (changed.value.shardCount !== wanted || changed.value.wantedShardCount !== wanted) {
    return complain(
      `there are still ${changed.value.shardCount} shards. The change is asked for and goes on as soon as receivers that can ` +
        "reach SQL and the logs run",
      1,
    );
  }
  return say(
    `there are ${wanted} shards now. Set SHARDS=${wanted} for every receiver: one that starts with more makes them more again`,
  );
}

async function waitFor(layouts: LayoutStore, wanted: number): Promise<Result<ShardLayout>> {
  const end = systemClock.monotonicMillis() + WAIT_MILLIS;
  for (;;) {
    const read = await layouts.layout();
    if (read.kind !== "success") return read;
    const { shardCount, wantedShardCount } = read.value;
    const isDone = shardCount === wanted && wantedShardCount === wanted;
    if (isDone || systemClock.monotonicMillis() >= end) return success(read.value);
    await new Promise<void>((resolve) => void systemClock.after(LOOK_MILLIS, resolve));
  }
}

function say(line: string): number {
  process.stdout.write(`${line}\n`);
  return 0;
}

function complain(reason: string, code: number): number {
  process.stderr.write(`otel-bandwidth: reshard: ${reason}\n`);
  return code;
}
