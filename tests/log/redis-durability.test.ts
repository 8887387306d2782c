import type { Redis } from "ioredis";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { checkRedisDurability } from "../../src/log/redis-durability.ts";
import { connectedRedis } from "../support/redis-client.ts";
import { startRedisServer } from "../support/redis-server.ts";
import type { RedisServer, RedisSettings } from "../support/redis-server.ts";

describe("checkRedisDurability", () => {
  let server: RedisServer;
  beforeAll(async () => {
    server = await startRedisServer();
  });
  afterAll(async () => {
    await server.remove();
  });

  async function settingsFound(settings: RedisSettings): Promise<readonly string[]> {
    const redis = await connectedRedis(server.url);
    const before: [string, string][] = [];
    for (const [name, value] of Object.entries(settings)) {
      const [, old = ""] = (await redis.config("GET", name)) as readonly string[];
      before.push([name, old]);
      await redis.config("SET", name, value);
    }
    const findings = await checkRedisDurability(redis);
    for (const [name, value] of before) await redis.config("SET", name, value);
    redis.disconnect();
    return findings.map((finding) => `${finding.level} ${finding.setting}`);
  }

  it("finds nothing where all that is acknowledged is kept", async () => {
    expect(await settingsFound({})).toEqual([]);
  });

  it.each([
    ["appendonly", "no"],
    ["appendfsync", "everysec"],
    ["no-appendfsync-on-rewrite", "yes"],
    ["maxmemory-policy", "allkeys-lru"],
  ])("finds %s %s, and says how to mend it", async (name, value) => {
    expect(await settingsFound({ [name]: value })).toEqual([`danger ${name}`]);
  });

  it("finds a replica", async () => {
    const replica = await startRedisServer({ replicaof: `127.0.0.1 ${server.port}` });
    const redis = await connectedRedis(replica.url);
    expect((await checkRedisDurability(redis)).map((finding) => finding.setting)).toEqual(["role"]);
    redis.disconnect();
    await replica.remove();
  });

  it("says what it could not check where CONFIG and INFO are forbidden", async () => {
    const admin = await connectedRedis(server.url);
    await admin.acl("SETUSER", "receiver", "on", ">secret", "~otel-bandwidth:*", "+@all", "-config", "-info");
    const redis = await connectedRedis(`redis://receiver:secret@127.0.0.1:${server.port}`);
    const findings = await checkRedisDurability(redis);
    expect(findings.map((finding) => `${finding.level} ${finding.setting}`).sort()).toEqual([
      "unknown INFO",
      "unknown appendfsync",
      "unknown appendonly",
      "unknown maxmemory-policy",
      "unknown no-appendfsync-on-rewrite",
    ]);
    for (const finding of findings) expect(finding.message).toContain("NOPERM");
    redis.disconnect();
    admin.disconnect();
  });
});

it("finds replicas that are behind", async () => {
  const facts = [
    "redis_version:7.2.0",
    "role:master",
    "connected_slaves:3",
    "slave0:ip=10.0.0.1,port=6379,state=online,offset=10,lag=1",
    "slave1:ip=10.0.0.2,port=6379,state=online,offset=5,lag=11",
    "slave2:ip=10.0.0.3,port=6379,state=send_bulk,offset=0,lag=0",
  ];
  const values: Readonly<Record<string, string>> = {
    appendonly: "yes",
    appendfsync: "always",
    "no-appendfsync-on-rewrite": "no",
    "maxmemory-policy": "noeviction",
    "min-replicas-to-write": "1",
  };
  const redis = {
    info: async () => facts.join("\r\n"),
    config: async (_get: string, name: string) => [name, values[name]],
  } as unknown as Redis;
  const findings = await checkRedisDurability(redis);
  expect(findings.map(({ setting }) => setting)).toEqual(["connected_slaves", "replica_lag"]);
  expect(findings[1]?.message).toContain("10.0.0.2:6379 has said nothing for 11 s");
  expect(findings[1]?.message).toContain("10.0.0.3:6379 is not in step yet (send_bulk)");
  expect(findings[1]?.message).not.toContain("10.0.0.1");
});

it("finds replicas that are waited for and not there, and a Redis that cannot tell what they have flushed", async () => {
  const facts = [
    "redis_version:7.0.15",
    "role:master",
    "connected_slaves:1",
    "slave0:ip=10.0.0.1,port=6379,state=online,lag=1",
  ];
  const redis = {
    info: async () => facts.join("\r\n"),
    config: async (_get: string, name: string) => [
      name,
      { appendonly: "yes", appendfsync: "always", "no-appendfsync-on-rewrite": "no", "maxmemory-policy": "noeviction" }[
        name
      ],
    ],
  } as unknown as Redis;
  const findings = await checkRedisDurability(redis, 2);
  expect(findings.map(({ setting }) => setting)).toEqual(["REDIS_WAIT_REPLICAS", "WAITAOF"]);
  expect(findings[0]?.message).toContain("REDIS_WAIT_REPLICAS is 2 and 1 replicas are connected");
  expect((await checkRedisDurability(redis, 1)).map(({ setting }) => setting)).toEqual(["WAITAOF"]);
});
