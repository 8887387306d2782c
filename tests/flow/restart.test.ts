/**
 * A receiver is ended in the middle of a load, once in order and once not, and started again. Its senders send again what
 * was not acknowledged. In the end the totals are what was acknowledged, to the byte.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { MysqlRollupStore } from "../../src/rollup/mysql-rollup-store.ts";
import { type RunningCommand, startCommand } from "../support/command.ts";
import { freePort } from "../support/free-port.ts";
import { startMariadb } from "../support/mariadb-server.ts";
import { startRedisServer } from "../support/redis-server.ts";
import { ServiceLoad } from "../support/service-load.ts";
import { columnSums, embeddedColumnSums } from "../support/totals.ts";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "otel-bandwidth-restart-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Stores {
  readonly environment: Readonly<Record<string, string>>;
  readonly sums: () => Promise<Record<string, bigint>>;
}

async function survives({ environment, sums }: Stores): Promise<void> {
  const [otlpPort, bridgePort] = [await freePort(), await freePort()];
  const start = async (): Promise<RunningCommand> => {
    const command = startCommand([], {
      OTLP_PORT: String(otlpPort),
      BRIDGE_PORT: String(bridgePort),
      METRICS_PROCESS_INTERVAL: "50",
      METRICS_PERSIST_INTERVAL: "150",
      METRICS_BATCH_SIZE: "7",
      SHARDS: "2",
      ...environment,
    });
    await command.printed(/log in /);
    return command;
  };
  let receiver = await start();
  const load = new ServiceLoad(`http://127.0.0.1:${otlpPort}`);
  try {
    for (const [signal, code] of [
      ["SIGTERM", 0],
      ["SIGKILL", null],
    ] as const) {
      await load.acknowledges(60);
      expect((await receiver.stop(signal)).code).toBe(code);
      receiver = await start();
    }
    await load.acknowledges(60);
    const expected = await load.end();
    expect(load.repetitions).toBeGreaterThan(0);
    await expect.poll(sums, { timeout: 20_000, interval: 100 }).toEqual(expected);
    expect((await receiver.stop()).code).toBe(0);
    expect(await sums()).toEqual(expected);
  } finally {
    receiver.child.kill("SIGKILL");
    load.giveUp();
  }
}

it("an embedded receiver", { timeout: 60_000 }, async () => {
  await survives({ environment: { DATA_DIR: folder }, sums: () => embeddedColumnSums(folder) });
});

it("a receiver on Redis and MariaDB", { timeout: 60_000 }, async () => {
  const [redis, sql] = await Promise.all([startRedisServer(), startMariadb()]);
  const url = await sql.createDatabase();
  const store = new MysqlRollupStore({ url });
  try {
    await survives({ environment: { REDIS_URL: redis.url, MYSQL_URL: url }, sums: () => columnSums(store) });
  } finally {
    await store.close();
    await Promise.all([redis.remove(), sql.stop()]);
  }
});
