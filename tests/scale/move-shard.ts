/** Moves the slot of a shard from one primary of a Redis Cluster to another, as `redis-cli --cluster reshard` does. */
import type { Redis } from "ioredis";
import type { SeededRandom } from "../faults/seeded-random.ts";
import { connectedRedis } from "../support/redis-client.ts";
import type { RedisCluster, RedisClusterNode } from "../support/redis-cluster.ts";
import { primariesOf } from "./scale-stores.ts";

const MIGRATE_MILLIS = 5000;
const MOST_KEYS = 100;
const MOVE_MILLIS = 30_000;

/** Another primary than this one. */
export async function otherPrimary(
  cluster: RedisCluster,
  primary: RedisClusterNode,
  random: SeededRandom,
): Promise<RedisClusterNode> {
  const others = [...(await primariesOf(cluster))].filter((node) => node !== primary);
  return random.pick(others);
}

/** Moves it. `onTheWay`: what happens after the move was told and before a key is moved. */
export async function moveShard(
  shard: number,
  from: RedisClusterNode,
  to: RedisClusterNode,
  onTheWay: () => Promise<void>,
): Promise<void> {
  const [source, target] = await Promise.all([connectedRedis(from.url), connectedRedis(to.url)]);
  try {
    const slot = await source.cluster("KEYSLOT", `{${shard}}`);
    await target.cluster("SETSLOT", slot, "IMPORTING", from.id);
    await source.cluster("SETSLOT", slot, "MIGRATING", to.id);
    await onTheWay();
    await moveKeys(source, slot, to);
    // The new owner first: until it knows, nobody serves the slot but who asks it by ASK.
    await target.cluster("SETSLOT", slot, "NODE", to.id);
    await source.cluster("SETSLOT", slot, "NODE", to.id);
  } finally {
    source.disconnect();
    target.disconnect();
  }
}

/** Receivers go on meanwhile: a key may be there again after a look. */
async function moveKeys(source: Redis, slot: number, to: RedisClusterNode): Promise<void> {
  const deadline = Date.now() + MOVE_MILLIS;
  for (;;) {
    const keys = await source.cluster("GETKEYSINSLOT", slot, MOST_KEYS);
    if (keys.length === 0) return;
    if (Date.now() > deadline) throw new Error(`slot ${slot} could not be moved`);
    await source.call("MIGRATE", "127.0.0.1", to.port, "", 0, MIGRATE_MILLIS, "KEYS", ...keys);
  }
}
