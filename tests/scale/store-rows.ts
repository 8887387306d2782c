/** Rows in which something happens to a Redis primary or to the SQL server that takes writes. */
import { setTimeout as pause } from "node:timers/promises";
import { SHARDS } from "../faults/stores.ts";
import { askRedis } from "../support/redis-ask.ts";
import type { RedisClusterNode } from "../support/redis-cluster.ts";
import { moveShard, otherPrimary } from "./move-shard.ts";
import type { ScaleFault, ScaleScene } from "./scale-fault.ts";
import type { Victim } from "./victim.ts";

/** Long enough that others notice, and short enough that sometimes they do not. */
const MOST_ABSENCE_MILLIS = 7000;
const SHORT_ABSENCE_MILLIS = 300;

type Absence = "killed" | "paused";

/** Takes a process away for a while. */
async function away(victim: Victim, absence: Absence, { random, size }: ScaleScene): Promise<number> {
  const millis = random.integer(0, size.short ? SHORT_ABSENCE_MILLIS : MOST_ABSENCE_MILLIS);
  if (absence === "killed") await victim.kill();
  else victim.freeze();
  await pause(millis);
  if (absence === "killed") await victim.start();
  else victim.thaw();
  return millis;
}

function redisPrimary(absence: Absence): ScaleFault {
  return {
    name: `Redis primary ${absence}`,
    replacesPrimary: true,
    async inject(scene) {
      const { stores, load, random, size, witness } = scene;
      const { cluster } = stores;
      await load.acknowledges(random.integer(1, size.batches));
      const shard = random.integer(0, SHARDS - 1);
      const primary = await cluster.primaryOfShard(shard);
      await stores.beginRisk(load.journal, primary);
      await load.acknowledges(random.integer(1, size.batches));
      const millis = await away(primary, absence, scene);
      await cluster.ok(cluster.nodes.length);
      load.journal.atRisk = false;
      const replaced = (await cluster.primaryOfShard(shard)) !== primary;
      witness(`${replaced ? "replaced" : "came back"} (${millis} ms)`);
    },
  };
}

function sqlPrimary(absence: Absence): ScaleFault {
  return {
    name: `MySQL primary ${absence}`,
    async inject(scene) {
      const { stores, load, random, size, witness } = scene;
      await load.acknowledges(random.integer(1, size.batches));
      const primary = await stores.sql.primary();
      const millis = await away(primary, absence, scene);
      await stores.sql.ok();
      const replaced = (await stores.sql.primary()) !== primary;
      witness(`${replaced ? "replaced" : "came back"} (${millis} ms)`);
    },
  };
}

/** Cuts a replica off until its primary is gone, so that it is promoted without what came meanwhile. */
export const REPLICA_BEHIND: ScaleFault = {
  name: "Redis primary killed, replica behind",
  replacesPrimary: true,
  async inject({ stores, load, random, size, witness }) {
    const { cluster } = stores;
    const primary = await cluster.primaryOfShard(random.integer(0, SHARDS - 1));
    const [replica] = await cluster.replicasOf(primary);
    if (replica === undefined) throw new Error("the primary has no replica");
    await stores.beginRisk(load.journal, primary);
    const missed = await cutOff(replica, primary, async () => {
      const before = load.journal.acknowledgedBatches;
      // Shorter than it takes the others to miss the replica: who is not missed is chosen.
      await Promise.race([load.acknowledges(random.integer(size.senders, size.batches)), pause(1000)]);
      await primary.kill();
      return load.journal.acknowledgedBatches - before;
    });
    await cluster.ok(cluster.nodes.length - 1);
    await primary.start();
    await cluster.ok(cluster.nodes.length);
    load.journal.atRisk = false;
    witness(`${missed} batches acknowledged meanwhile`);
  },
};

/** Nothing of the primary reaches the replica during `work`. */
async function cutOff<T>(replica: RedisClusterNode, primary: RedisClusterNode, work: () => Promise<T>): Promise<T> {
  replica.freeze();
  try {
    await askRedis(primary.port, "CLIENT KILL TYPE replica");
    return await work();
  } finally {
    replica.thaw();
  }
}

const RESHARDING: ScaleFault = {
  name: "Redis slots resharded",
  async inject({ stores, load, random, size, witness }) {
    const { cluster } = stores;
    const moves = size.short ? 2 : 6;
    for (let move = 0; move < moves; move++) {
      const shard = random.integer(0, SHARDS - 1);
      const from = await cluster.primaryOfShard(shard);
      await moveShard(shard, from, await otherPrimary(cluster, from, random), () => load.acknowledges(2));
      await cluster.ok(cluster.nodes.length);
      await load.acknowledges(random.integer(1, size.batches));
    }
    witness(`${moves} moves of a shard's slot`);
  },
};

/** The rows of this file. */
export const STORE_ROWS: readonly ScaleFault[] = [
  redisPrimary("killed"),
  redisPrimary("paused"),
  REPLICA_BEHIND,
  sqlPrimary("killed"),
  sqlPrimary("paused"),
  RESHARDING,
];
