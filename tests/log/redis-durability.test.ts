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
