import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { connectRedis, reconnectDelayMillis } from "../../src/log/redis-connection.ts";
import { redisFault } from "../../src/log/redis-fault.ts";
import { freePort } from "../support/free-port.ts";
import { connectedRedis, readyAgain } from "../support/redis-client.ts";
import { startRedisServer } from "../support/redis-server.ts";

describe("connectRedis", () => {
  it("fails commands at once while there is no server, tells of it, and connects when there is one", async () => {
    const server = await startRedisServer();
    await server.stop();
    const errors: string[] = [];
    const redis = connectRedis({
      random: () => 0,
      url: server.url,
      maxReconnectDelayMillis: 50,
      onError: (error) => errors.push(error.message),
    });
    await expect(redis.ping()).rejects.toThrow("isn't writeable");
    await new Promise((resolve) => redis.once("error", resolve));
    expect(errors[0]).toContain("ECONNREFUSED");
    const connected = readyAgain(redis);
    await server.start();
    await connected;
    expect(await redis.ping()).toBe("PONG");
    redis.disconnect();
    await server.remove();
  });

  it("does not throw where nobody listens and nobody asks", async () => {
    const redis = connectRedis({ random: () => 0, url: `redis://127.0.0.1:${await freePort()}` });
    const refused = new Promise((resolve) => redis.once("error", resolve));
    expect(String(await refused)).toContain("ECONNREFUSED");
    redis.disconnect();
  });

  it("gives up a command that gets no answer", async () => {
    const server = await startRedisServer();
    const redis = await connectedRedis(server.url, { commandTimeoutMillis: 100 });
    server.freeze();
    await expect(redis.ping()).rejects.toThrow(/timed out|timeout|max retries/i);
    redis.disconnect();
    await server.remove();
  });
});

describe("reconnectDelayMillis", () => {
  it("stays between half of the pause and the pause, and never above the longest", () => {
    const attempts = fc.integer({ min: 1, max: 1_000_000 });
    const fraction = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
    fc.assert(
      fc.property(attempts, fc.integer({ min: 50, max: 60_000 }), fraction, (attempt, longest, random) => {
        const delay = reconnectDelayMillis(attempt, longest, () => random);
        const pause = Math.min(longest, 50 * 2 ** (attempt - 1));
        expect(delay).toBeGreaterThanOrEqual(Math.floor(pause / 2));
        expect(delay).toBeLessThanOrEqual(Math.ceil(pause));
      }),
    );
  });
});

describe("redisFault", () => {
  it.each([
    ["OOM command not allowed when used memory > 'maxmemory'.", "maxmemory"],
    ["READONLY You can't write against a read only replica.", "read-only replica"],
    ["LOADING Redis is loading the dataset in memory", "still loading"],
    ["MISCONF Errors writing to the AOF file: No space left on device", "cannot write to its disk"],
    ["NOREPLICAS Not enough good replicas to write.", "too few replicas"],
    ["NOPERM this user has no permissions", "credentials"],
    ["Command timed out", "did not answer in time"],
    ["Reached the max retries per request limit (which is 0).", "was lost before it answered"],
    ["Stream isn't writeable and enableOfflineQueue options is false", "out of reach"],
    ["something new", "Redis failed"],
  ])("says of %s that it can be tried again, and what it means", (message, meaning) => {
    const fault = redisFault(new Error(message));
    expect(fault).toMatchObject({ kind: "retryable", code: "unavailable" });
    expect(fault.reason).toContain(meaning);
    expect(fault.reason).toContain(message);
  });
});
