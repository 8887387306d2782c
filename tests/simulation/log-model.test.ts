/** The model of the log answers as Redis and SQLite do, command by command. */
import { copyFile, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Redis } from "ioredis";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openSqliteLogs, type SqliteLogs } from "../../src/log/open-sqlite-logs.ts";
import { RedisStreamLog } from "../../src/log/redis-stream-log.ts";
import type { IngestLog } from "../../src/model/ingest-log.ts";
import { valueOf } from "../support/log-entries.ts";
import { connectedRedis } from "../support/redis-client.ts";
import { startRedisServer, type RedisServer } from "../support/redis-server.ts";
import { logTrace, StrikableModel, TRACE_LIMITS, type LogStrikes, type StrikableLog } from "./log-traces.ts";
import { fixedRoute } from "../../src/log/redis-route.ts";

const TRACES = 30;

async function compare(make: (trace: number) => Promise<StrikableLog>, strikes: LogStrikes): Promise<void> {
  for (let seed = 1; seed <= TRACES; seed++) {
    const real = await logTrace(await make(seed), strikes, seed);
    expect(await logTrace(new StrikableModel(strikes), strikes, seed), `seed ${seed}`).toEqual(real);
  }
}

describe("the model of the log, given the commands that Redis was given,", () => {
  let server: RedisServer;
  let redis: Redis;
  beforeAll(async () => {
    server = await startRedisServer();
    redis = await connectedRedis(server.url);
  });
  afterAll(async () => {
    redis.disconnect();
    await server.remove();
  });

  /** Gives the server another replication id, as a restart or a promotion does. */
  async function becomeAnother(): Promise<void> {
    await redis.replicaof("127.0.0.1", 1);
    await redis.replicaof("NO", "ONE");
  }

  async function makeLog(shard: number): Promise<StrikableLog> {
    const stream = `otel-bandwidth:{${shard}}:log`;
    const keys = [stream, `${stream}:size`] as const;
    let copy: readonly (Buffer | null)[] = [];
    return {
      log: new RedisStreamLog({ redis: fixedRoute(redis), shard, limits: TRACE_LIMITS }),
      restart: becomeAnother,
      async keepCopy() {
        copy = await Promise.all(keys.map((key) => redis.dumpBuffer(key)));
      },
      async goBack() {
        await redis.del(...keys);
        for (const [index, dump] of copy.entries()) if (dump) await redis.restore(keys[index]!, 0, dump);
        await becomeAnother();
      },
      async delete(withNumbers) {
        await redis.del(...(withNumbers ? keys : [stream]));
      },
    };
  }

  it("gives the same answers", async () => {
    await compare(makeLog, { copyRestarts: false, deletes: true, forgetsSeals: false });
  });
});

describe("the model of the log, given the commands that SQLite was given,", () => {
  let folder: string;
  const open = new Set<SqliteLogs>();
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "otel-bandwidth-trace-"));
  });
  afterAll(async () => {
    for (const logs of open) logs.close();
    await rm(folder, { recursive: true, force: true });
  });

  async function makeLog(trace: number): Promise<StrikableLog> {
    const dataDirectory = join(folder, String(trace));
    let openings = 0;
    const openFile = (): SqliteLogs => {
      const storage = `file ${++openings}`;
      return valueOf(openSqliteLogs({ dataDirectory, limits: TRACE_LIMITS, storage }));
    };
    let logs = openFile();
    open.add(logs);
    const whileClosed = async (work: () => Promise<void>): Promise<void> => {
      logs.close();
      open.delete(logs);
      await work();
      logs = openFile();
      open.add(logs);
    };
    const [file, copy] = [join(dataDirectory, "ingest-log.db"), join(folder, `${trace}.copy`)];
    return {
      get log(): IngestLog {
        return logs.logs(1)[0]!;
      },
      restart: () => whileClosed(async () => undefined),
      keepCopy: () => whileClosed(() => copyFile(file, copy)),
      goBack: () => whileClosed(() => copyFile(copy, file)),
      delete: () => Promise.reject(new Error("nobody deletes rows")),
    };
  }

  it("gives the same answers", async () => {
    await compare(makeLog, { copyRestarts: true, deletes: false, forgetsSeals: true });
  });
});
