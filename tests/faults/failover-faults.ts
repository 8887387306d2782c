/**
 * Redis fails over to a replica, whose copy may end earlier: Redis replicates asynchronously. What the replica had received
 * must be stored once; what it had not received may be missing, and how much that was is printed. Nothing may be doubled.
 */
import type { Redis } from "ioredis";
import { connectedRedis } from "../support/redis-client.ts";
import { type RedisServer, startRedisServer, startReplica } from "../support/redis-server.ts";
import { startTcpProxy, type TcpProxy } from "../support/tcp-proxy.ts";
import type { JournalLine } from "./journal.ts";
import type { Fault, Outcome, Scene } from "./run-cycle.ts";
import { ServerStores, type Servers, SHARDS, type Stores } from "./stores.ts";

interface FailOver {
  readonly replica: RedisServer;
  readonly primary: RedisServer;
  /** Between the replica and the primary. */
  readonly link: TcpProxy;
  /** What was started since, to be removed with the others. */
  readonly more: RedisServer[];
}

/** The servers of the cycle that runs. */
let servers: FailOver | undefined;

async function withReplica(
  receivers: number,
  own: Servers | undefined,
  cycle: (stores: Stores) => Promise<Outcome>,
): Promise<Outcome> {
  if (own === undefined) throw new Error("this needs servers");
  const stores = await own.open(receivers);
  const replica = await startRedisServer();
  const link = await startTcpProxy(own.redis.port);
  const more: RedisServer[] = [];
  servers = { replica, primary: own.redis, link, more };
  try {
    await withRedis(replica, (redis) => redis.replicaof("127.0.0.1", link.port));
    await replicated(servers);
    return await cycle(stores);
  } finally {
    await stores.close();
    await Promise.all([replica, ...more].map((server) => server.remove()));
    await link.close();
    await own.redis.kill();
    await own.redis.start();
  }
}

async function withRedis<T>({ url }: RedisServer, work: (redis: Redis) => Promise<T>): Promise<T> {
  const redis = await connectedRedis(url);
  try {
    return await work(redis);
  } finally {
    redis.disconnect();
  }
}

/** Resolves when the replica had, at some moment, everything that the primary had. */
async function replicated({ replica, primary }: FailOver): Promise<void> {
  const offset = async (server: RedisServer): Promise<string | undefined> =>
    await withRedis(server, async (redis) => {
      const text = await redis.info("replication");
      const linked = text.includes("role:master") || text.includes("master_link_status:up");
      return linked ? /master_repl_offset:(\d+)/.exec(text)?.[1] : undefined;
    });
  for (;;) {
    const [have, want] = [await offset(replica), await offset(primary)];
    if (have !== undefined && have === want) return;
  }
}

/** Ends the primary and leads every receiver to the replica, which is the primary then. */
async function promote(stores: ServerStores, { replica, primary }: FailOver): Promise<void> {
  await primary.kill();
  await withRedis(replica, (redis) => redis.replicaof("NO", "ONE"));
  stores.redis = replica;
  for (const proxy of stores.redisProxies) proxy.redirect(replica.port);
}

function partsOf({ stores }: Scene): { readonly stores: ServerStores; readonly servers: FailOver } {
  if (!(stores instanceof ServerStores) || servers === undefined) throw new Error("this needs servers");
  return { stores, servers };
}

const UP_TO_DATE: Fault = {
  name: "Redis fail-over, replica up to date",
  backends: ["servers"],
  around: (_, own, cycle) => withReplica(1, own, cycle),
  async inject(scene) {
    const { load, size, witness } = scene;
    const parts = partsOf(scene);
    await load.acknowledges(size.batches);
    for (const proxy of parts.stores.redisProxies) proxy.requests("stall");
    await replicated(parts.servers);
    await promote(parts.stores, parts.servers);
    for (const proxy of parts.stores.redisProxies) proxy.requests("pass");
    await load.acknowledges(size.batches);
    witness("promoted with everything");
  },
};

const BEHIND: Fault = {
  name: "Redis fail-over, replica behind",
  backends: ["servers"],
  receivers: 2,
  mayLose: true,
  // The step over what is missing must still be credible.
  largestStep: 2 ** 40,
  // Much is in the log and not yet folded.
  environment: { METRICS_PROCESS_INTERVAL: "400", METRICS_PERSIST_INTERVAL: "800" },
  around: (_, own, cycle) => withReplica(2, own, cycle),
  async inject(scene) {
    const { load, random, size, witness } = scene;
    const parts = partsOf(scene);
    await load.hold();
    await replicated(parts.servers);
    parts.servers.link.replies("cut");
    load.journal.atRisk = true;
    load.resume();
    const before = load.journal.acknowledgedBatches;
    await load.acknowledges(random.integer(1, 2 * size.batches));
    await parts.servers.primary.kill();
    const missed = load.journal.acknowledgedBatches - before;
    await promote(parts.stores, parts.servers);
    await load.acknowledges(size.batches);
    witness(`${missed} acknowledged batches were not replicated`);
  },
};

/** Senders keep to one address each: the odd ones to the receiver that is led to the new primary. */
function isAtNewPrimary(sender: number): boolean {
  return sender % 2 === 1;
}

/**
 * One receiver still reaches the old primary, and takes batches there, while the other is on the new one. What the old primary
 * alone took is gone with it; what the new one took must be stored once.
 */
const TWO_PRIMARIES: Fault = {
  name: "Redis fail-over, old primary still in use",
  backends: ["servers"],
  receivers: 2,
  mayLose: true,
  largestStep: 2 ** 40,
  pinned: true,
  keepsSender: isAtNewPrimary,
  around: (_, own, cycle) => withReplica(2, own, cycle),
  async inject(scene) {
    const { load, size, witness } = scene;
    const { stores, servers: parts } = partsOf(scene);
    const { replica, primary } = parts;
    await load.hold();
    await replicated(parts);
    await withRedis(replica, (redis) => redis.replicaof("NO", "ONE"));
    stores.redisProxies[1]!.redirect(replica.port);
    stores.redis = replica;
    if (size.short) await stores.expireLeases();
    load.resume();
    const before = { lines: load.journal.lines.length, entries: await entriesEverIn(primary) };
    await load.acknowledges(size.batches * (size.short ? 30 : 10));
    const acknowledged = acknowledgedByOld(load.journal.lines.slice(before.lines));
    const entries = (await entriesEverIn(primary)) - before.entries;
    if (entries === 0 || acknowledged === 0) {
      throw new Error(
        `the old primary took ${entries} entries and acknowledged ${acknowledged} batches: it was not in use`,
      );
    }
    stores.redisProxies[0]!.redirect(replica.port);
    await primary.kill();
    witness(`${acknowledged} batches, ${entries} entries acknowledged by the old primary`);
    await load.acknowledges(size.batches);
  },
};

/** Entries that the logs on a server ever took: their ids count them. */
async function entriesEverIn(server: RedisServer): Promise<number> {
  return await withRedis(server, async (redis) => {
    let entries = 0;
    for (let shard = 0; shard < SHARDS; shard++) {
      const facts = (await redis.xinfo("STREAM", `otel-bandwidth:{${shard}}:log`)) as readonly unknown[];
      entries += Number.parseInt(String(facts[facts.indexOf("last-generated-id") + 1]), 10);
    }
    return entries;
  });
}

/** Answers of 200 to senders that keep to the receiver at the old primary. */
function acknowledgedByOld(lines: readonly JournalLine[]): number {
  const sender = (batch: string): number => Number(/^sender-(\d+)/.exec(batch)?.[1]);
  return lines.filter(({ batch, answer }) => answer === "200" && !isAtNewPrimary(sender(batch))).length;
}

/** The same with a receiver that waits for a replica before it answers: nothing at all may be lost then. */
const BEHIND_AND_WAITED_FOR: Fault = {
  name: "Redis fail-over, replica behind and waited for",
  backends: ["servers"],
  receivers: 2,
  environment: { ...BEHIND.environment, REDIS_WAIT_REPLICAS: "1" },
  around: (_, own, cycle) => withReplica(2, own, cycle),
  async inject(scene) {
    const { load, random, size, witness } = scene;
    const parts = partsOf(scene);
    await load.acknowledges(random.integer(1, size.batches));
    parts.servers.link.replies("cut");
    // What the primary takes now has no answer, and goes with it.
    const before = load.journal.failedAttempts;
    await load.fails(random.integer(1, 2 * size.senders));
    const failed = load.journal.failedAttempts - before;
    await promote(parts.stores, parts.servers);
    parts.servers.more.push(await startReplica(parts.servers.replica));
    await load.acknowledges(size.batches);
    witness(`${failed} attempts had no 2xx while the replica was cut off`);
  },
};

const TWO_PRIMARIES_AND_WAITED_FOR: Fault = {
  name: "Redis fail-over, old primary in use, replicas waited for",
  backends: ["servers"],
  receivers: 2,
  pinned: true,
  environment: { REDIS_WAIT_REPLICAS: "1" },
  around: (_, own, cycle) => withReplica(2, own, cycle),
  async inject(scene) {
    const { load, size, witness } = scene;
    const { stores, servers: parts } = partsOf(scene);
    const { replica, primary } = parts;
    await load.acknowledges(size.batches);
    await withRedis(replica, (redis) => redis.replicaof("NO", "ONE"));
    parts.more.push(await startReplica(replica));
    stores.redisProxies[1]!.redirect(replica.port);
    stores.redis = replica;
    if (size.short) await stores.expireLeases();
    await load.fails(2 * size.senders);
    await load.acknowledges(size.batches);
    stores.redisProxies[0]!.redirect(replica.port);
    await primary.kill();
    await load.acknowledges(size.batches);
    witness(`${load.journal.failedAttempts} attempts without a 2xx`);
  },
};

/** The faults of this file. */
export const FAILOVER_FAULTS: readonly Fault[] = [
  UP_TO_DATE,
  BEHIND,
  BEHIND_AND_WAITED_FOR,
  TWO_PRIMARIES,
  TWO_PRIMARIES_AND_WAITED_FOR,
];
