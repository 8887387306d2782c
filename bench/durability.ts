/**
 * `node bench/durability.ts`: what a Redis that is killed under load, or replaced by its replica, still has of what it
 * acknowledged, and what a MariaDB that is killed has of its commits. Entries go through the project's own log. A killed process
 * is not a lost machine: what a server has handed to the kernel survives here.
 */
import { parseArgs } from "node:util";
import { setTimeout as pause } from "node:timers/promises";
import type { Redis } from "ioredis";
import { connectRedis } from "../src/log/redis-connection.ts";
import { RedisStreamLog } from "../src/log/redis-stream-log.ts";
import { LOG_START } from "../src/model/ingest-log.ts";
import { type RedisServer, type RedisSettings, startRedisServer } from "../tests/support/redis-server.ts";
import { startTcpProxy } from "../tests/support/tcp-proxy.ts";
import { mariadbLoss, type Loss } from "./mariadb-loss.ts";
import { startDiskLoad } from "./disk-load-process.ts";
import { median } from "./statistics.ts";
import { fixedRoute } from "../src/log/redis-route.ts";

/** One way of losing a Redis. */
interface Case {
  readonly name: string;
  readonly settings: RedisSettings;
  /** Whether another process writes and flushes on the same disk. */
  readonly diskLoad?: boolean;
  /** Milliseconds that a replica hears nothing before it is promoted in place of the killed one; absent: restarted. */
  readonly replicaLagMillis?: number;
}

const CASES: readonly Case[] = [
  { name: "Redis restart, `appendfsync always`", settings: {} },
  { name: "Redis restart, `appendfsync always`, busy disk", settings: {}, diskLoad: true },
  { name: "Redis restart, `appendfsync everysec`", settings: { appendfsync: "everysec" } },
  { name: "Redis restart, `appendfsync everysec`, busy disk", settings: { appendfsync: "everysec" }, diskLoad: true },
  { name: "Redis restart, `appendonly no`", settings: { appendonly: "no" } },
  { name: "Redis: promotion of a replica that keeps up", settings: {}, replicaLagMillis: 0 },
  { name: "Redis: promotion of a replica that is 200 ms behind", settings: {}, replicaLagMillis: 200 },
  { name: "Redis: promotion of a replica that is 1000 ms behind", settings: {}, replicaLagMillis: 1000 },
];

const BODY_BYTES = 1000;
const APPENDS_IN_FLIGHT = 64;
const SHARD = 0;
const LIMITS = { maxEntries: 1_000_000, maxBytes: 1_000_000_000 };
const REPLICA: RedisSettings = { "repl-diskless-sync-delay": "0" };

const { values } = parseArgs({ options: { runs: { type: "string", default: "6" }, only: { type: "string" } } });
const runs = Number(values.runs);
if (!(runs > 0)) throw new Error(`--runs: expected a number above 0 (got ${values.runs})`);

console.log(
  "| what happens | runs | runs that lost | acknowledged (median) | lost: median | lost: most | reaching back (most) |",
);
console.log("| --- | --- | --- | --- | --- | --- | --- |");
for (const one of CASES) await measure(one.name, () => runOnce(one));
for (const flushLogAtCommit of [1, 2, 0]) {
  await measure(`MariaDB restart, \`innodb_flush_log_at_trx_commit=${flushLogAtCommit}\``, () =>
    mariadbLoss(flushLogAtCommit),
  );
}

async function measure(name: string, run: () => Promise<Loss>): Promise<void> {
  if (values.only !== undefined && !name.includes(values.only)) return;
  const losses: Loss[] = [];
  for (let count = 0; count < runs; count += 1) losses.push(await run());
  console.log(row(name, losses));
}

function row(name: string, losses: readonly Loss[]): string {
  const lost = losses.map((loss) => loss.lost);
  return `| ${[
    name,
    losses.length,
    lost.filter((count) => count > 0).length,
    Math.round(median(losses.map(({ acknowledged }) => acknowledged))),
    Math.round(median(lost)),
    Math.max(...lost),
    `${Math.round(Math.max(...losses.map(({ lostMillis }) => lostMillis)))} ms`,
  ].join(" | ")} |`;
}

async function runOnce({ settings, diskLoad = false, replicaLagMillis }: Case): Promise<Loss> {
  const server = await startRedisServer(settings);
  const endDiskLoad = diskLoad ? startDiskLoad() : undefined;
  try {
    return replicaLagMillis === undefined
      ? await restarted(server)
      : await promoted(server, settings, replicaLagMillis);
  } finally {
    endDiskLoad?.();
    await server.remove();
  }
}

/** Killed at a moment that is not known before, and started again on what its files hold. */
async function restarted(server: RedisServer): Promise<Loss> {
  const writer = await startWriter(server.url);
  await pause(1000 + Math.random() * 1500);
  const killed = server.kill();
  const acknowledged = await writer.end(killed);
  await server.start();
  return compare(server.url, acknowledged);
}

/** Killed, and replaced by its replica, which has heard nothing for a while. */
async function promoted(server: RedisServer, settings: RedisSettings, lagMillis: number): Promise<Loss> {
  const proxy = await startTcpProxy(server.port);
  const replica = await startRedisServer({ ...settings, ...REPLICA, replicaof: `127.0.0.1 ${proxy.port}` });
  const control = await connected(replica.url);
  try {
    while (!(await control.info("replication")).includes("master_link_status:up")) await pause(50);
    const writer = await startWriter(server.url);
    await pause(1000 + Math.random() * 500);
    if (lagMillis > 0) proxy.replies("stall");
    await pause(lagMillis);
    const killed = server.kill();
    const acknowledged = await writer.end(killed);
    await proxy.close();
    await control.call("REPLICAOF", "NO", "ONE");
    return await compare(replica.url, acknowledged);
  } finally {
    control.disconnect();
    await proxy.close();
    await replica.remove();
  }
}

/** What was acknowledged: entries by number, with how long before the end that was. */
interface Acknowledged {
  readonly ages: ReadonlyMap<number, number>;
}

interface Writer {
  /** Resolves when nothing is under way any more after the server is gone. */
  end(gone: Promise<void>): Promise<Acknowledged>;
}

async function startWriter(url: string): Promise<Writer> {
  const redis = await connected(url);
  const log = new RedisStreamLog({ redis: fixedRoute(redis), shard: SHARD, limits: LIMITS });
  const status = await log.status();
  if (status.kind !== "success") throw new Error(status.reason);
  const { storage } = status.value;
  const opened = await log.open({ generation: 1, identity: "durability", storage, afterId: LOG_START, layout: 1 });
  if (opened.kind !== "success") throw new Error(opened.reason);
  const times = new Map<number, number>();
  let next = 0;
  const write = async (): Promise<void> => {
    // Ends with the first append that fails: the server is gone.
    for (;;) {
      const number = next++;
      const result = await log.append(entryOf(number));
      if (result.kind !== "success") return;
      times.set(number, performance.now());
    }
  };
  const writers = Array.from({ length: APPENDS_IN_FLIGHT }, write);
  return {
    async end(gone) {
      const killedAt = performance.now();
      await gone;
      await Promise.all(writers);
      redis.disconnect();
      return { ages: new Map([...times].map(([number, at]) => [number, Math.max(0, killedAt - at)])) };
    },
  };
}

function entryOf(number: number): Parameters<RedisStreamLog["append"]>[0] {
  const body = Buffer.alloc(BODY_BYTES, String(number));
  body.writeDoubleBE(number, 0);
  return {
    contentType: "protobuf",
    encoding: "identity",
    body,
    bodyHash: new Uint8Array(0),
    receivedAtMillis: Date.now(),
  };
}

async function compare(url: string, { ages }: Acknowledged): Promise<Loss> {
  const redis = await connected(url);
  const log = new RedisStreamLog({ redis: fixedRoute(redis), shard: SHARD, limits: LIMITS });
  const present = new Set<number>();
  for (let after = LOG_START; ;) {
    const entries = await log.read(after, 5000);
    if (entries.kind !== "success") throw new Error(entries.reason);
    for (const { body } of entries.value) present.add(Buffer.from(body).readDoubleBE(0));
    const last = entries.value.at(-1);
    if (last === undefined) break;
    after = last.id;
  }
  redis.disconnect();
  const lost = [...ages].filter(([number]) => !present.has(number)).map(([, age]) => age);
  return { acknowledged: ages.size, lost: lost.length, lostMillis: Math.max(0, ...lost) };
}

async function connected(url: string): Promise<Redis> {
  const redis = connectRedis({ url, random: Math.random, maxReconnectDelayMillis: 100 });
  await new Promise<void>((resolve) => redis.once("ready", () => resolve()));
  return redis;
}
