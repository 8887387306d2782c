/** Faults of Redis. */
import { setTimeout as pause } from "node:timers/promises";
import { type RedisSettings, startRedisServer } from "../support/redis-server.ts";
import type { Fault, Scene } from "./run-cycle.ts";
import { ServerStores } from "./stores.ts";

function serversOf({ stores }: Scene): ServerStores {
  if (!(stores instanceof ServerStores)) throw new Error("this needs servers");
  return stores;
}

const RESTART: Fault = {
  name: "Redis restart, AOF always",
  backends: ["servers"],
  async inject(scene) {
    const { load, random, size, witness } = scene;
    const { redis } = serversOf(scene);
    const restarts = size.short ? 2 : 6;
    for (let restart = 0; restart < restarts; restart++) {
      if (restart % 2 === 0) await redis.kill();
      else await redis.stop();
      await load.fails(1);
      await pause(random.integer(0, size.short ? 50 : 2000));
      await redis.start();
      await load.acknowledges(random.integer(1, size.batches));
    }
    witness(`${restarts} restarts, every other one a kill -9`);
  },
};

/** Redis that is not as durable as it must be: what it loses may be missing, and nothing is counted twice for it. */
function restartWithout(name: string, settings: RedisSettings): Fault {
  return {
    name,
    backends: ["servers"],
    mayLose: true,
    // The step over what is missing must still be credible.
    largestStep: 2 ** 40,
    around: async (_, servers, cycle) => {
      if (servers === undefined) throw new Error("this needs servers");
      const redis = await startRedisServer(settings);
      try {
        const stores = await servers.open(1, { redis });
        try {
          return await cycle(stores);
        } finally {
          await stores.close();
        }
      } finally {
        await redis.remove();
      }
    },
    async inject(scene) {
      const { load, random, size, witness } = scene;
      const { redis } = serversOf(scene);
      const restarts = size.short ? 2 : 6;
      for (let restart = 0; restart < restarts; restart++) {
        await redis.kill();
        await load.fails(1);
        await redis.start();
        await load.acknowledges(random.integer(1, size.batches));
      }
      witness(`${restarts} kills`);
    },
  };
}

const OUT_OF_MEMORY: Fault = {
  name: "Redis out of memory",
  backends: ["servers"],
  async inject(scene) {
    const { load, size, witness } = scene;
    await serversOf(scene).withRedis(async (redis) => {
      const used = /used_memory:(\d+)/.exec(await redis.info("memory"))?.[1];
      await redis.config("SET", "maxmemory", String(Number(used) - 200_000));
      const before = load.journal.answers.get("503") ?? 0;
      await load.fails(size.senders * 3);
      const refused = (load.journal.answers.get("503") ?? 0) - before;
      if (refused === 0) throw new Error("no 503 while Redis was out of memory");
      await redis.config("SET", "maxmemory", "0");
      witness(`${refused} x 503`);
    });
  },
};

const STALL: Fault = {
  name: "Redis held still",
  backends: ["servers"],
  async inject(scene) {
    const { load, size, witness } = scene;
    const { redis } = serversOf(scene);
    const millis = size.short ? 700 : 12_000;
    redis.freeze();
    await pause(millis);
    redis.thaw();
    await load.acknowledges(size.batches);
    witness(`SIGSTOP for ${millis} ms`);
  },
};

/** The faults of this file. */
export const REDIS_FAULTS: readonly Fault[] = [
  RESTART,
  restartWithout("Redis restart, AOF every second", { appendfsync: "everysec" }),
  restartWithout("Redis restart, no AOF", { appendonly: "no" }),
  OUT_OF_MEMORY,
  STALL,
];
