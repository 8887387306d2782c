/**
 * Log: asks a node of a Redis Cluster which primary serves which slot.
 */
import type { Redis } from "ioredis";
import type { Clock } from "../model/clock.ts";
import type { RedisAddress, RedisNode } from "./redis-address.ts";
import { connectTo, reached, type RedisConnectionBehaviour } from "./redis-connection.ts";
import { REDIS_SLOTS } from "./redis-slot.ts";

/** What one node knows of the cluster. */
export interface ClusterView {
  /** Whether the node finds the cluster in order; one that is cut off from the others does not. */
  readonly isOk: boolean;
  /** The primary of each slot, by slot number; `undefined` of a slot that nobody serves. */
  readonly primaries: readonly (RedisNode | undefined)[];
}

/** A node that says nothing for this long is not asked further, milliseconds. */
const MAX_ANSWER_MILLIS = 1000;

/** All that is asked of one node, and connecting to it, may take this long, milliseconds. */
const MAX_ASKING_MILLIS = 2000;

/** Asks on a connection of its own. Rejects when the node cannot be reached, does not answer in time or is not one of a cluster. */
export async function askForSlots(
  address: RedisAddress,
  node: RedisNode,
  behaviour: RedisConnectionBehaviour,
  clock: Clock,
): Promise<ClusterView> {
  const redis = connectTo(
    { ...address, kind: "server", nodes: [node] },
    {
      ...behaviour,
      connectTimeoutMillis: Math.min(behaviour.connectTimeoutMillis ?? MAX_ANSWER_MILLIS, MAX_ANSWER_MILLIS),
      commandTimeoutMillis: Math.min(behaviour.commandTimeoutMillis ?? MAX_ANSWER_MILLIS, MAX_ANSWER_MILLIS),
    },
  );
  const late = Promise.withResolvers<never>();
  // The driver waits for a node that is loading its data for as long as that takes, and tells nobody.
  const timer = clock.after(MAX_ASKING_MILLIS, () => late.reject(new Error("the node is not ready to be asked")));
  try {
    return await Promise.race([viewOf(redis, node), late.promise]);
  } finally {
    timer.clear();
    redis.disconnect();
  }
}

async function viewOf(redis: Redis, node: RedisNode): Promise<ClusterView> {
  await reached(redis);
  const [info, slots] = await Promise.all([redis.cluster("INFO"), redis.cluster("SLOTS")]);
  return { isOk: info.includes("cluster_state:ok"), primaries: primariesOf(slots, node) };
}

/** Reads `[first, last, [host, port, …] of the primary, …]` of each range (https://redis.io/docs/latest/commands/cluster-slots/). */
function primariesOf(reply: unknown, asked: RedisNode): readonly (RedisNode | undefined)[] {
  const primaries: (RedisNode | undefined)[] = Array.from({ length: REDIS_SLOTS });
  for (const [first, last, [host, port]] of reply as readonly [number, number, [string | null, number]][]) {
    // No host, or "?": it is the one that was asked.
    const known = host === null || host === "" || host === "?" ? asked.host : host;
    const primary = { host: known, port };
    for (let slot = first; slot <= last; slot += 1) primaries[slot] = primary;
  }
  return primaries;
}

/** The node that a `MOVED` names; `undefined` of another error, or when it names none. */
export function movedTo(error: unknown): RedisNode | undefined {
  const [, host, port] = (error instanceof Error && /^MOVED \d+ (.+):(\d+)$/.exec(error.message)) || [];
  return host === undefined ? undefined : { host, port: Number(port) };
}
