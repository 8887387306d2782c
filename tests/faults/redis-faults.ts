/** Faults of Redis. */
import { setTimeout as pause } from "node:timers/promises";
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
export const REDIS_FAULTS: readonly Fault[] = [RESTART, OUT_OF_MEMORY, STALL];
