/**
 * A receiver is ended in the middle of a load, once in order and once not, and started again. Its senders send again what
 * was not acknowledged. In the end the totals are what was acknowledged, to the byte.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { afterAll, beforeAll, expect, it } from "vitest";
import { MysqlRollupStore } from "../../src/rollup/mysql-rollup-store.ts";
import { type RunningCommand, startCommand } from "../support/command.ts";
import { freePort } from "../support/free-port.ts";
import { startMariadb } from "../support/mariadb-server.ts";
import { otlpRequest } from "../support/otlp-request.ts";
import { startRedisServer } from "../support/redis-server.ts";
import { nextNanos, nowNanos, postMetrics } from "../support/send-metrics.ts";
import { columnSums, embeddedColumnSums } from "../support/totals.ts";

const SENDERS = 4;
const PAUSE_MILLIS = 20;

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "otel-bandwidth-restart-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Services that each count bytes in as a growing counter and bytes out as deltas, and never give up. */
class Load {
  acknowledgedIn = 0n;
  acknowledgedOut = 0n;
  requests = 0;
  repetitions = 0;
  readonly #origin: string;
  readonly #senders: Promise<void>[];
  #ending = false;
  #gaveUp = false;

  constructor(origin: string) {
    this.#origin = origin;
    this.#senders = Array.from({ length: SENDERS }, (_, sender) => this.#run(`service-${sender}`));
  }

  /** Resolves when this many more requests were acknowledged. */
  async acknowledges(count: number): Promise<void> {
    const goal = this.requests + count;
    await expect.poll(() => this.requests, { timeout: 20_000, interval: 10 }).toBeGreaterThanOrEqual(goal);
  }

  /** Ends when what is under way is acknowledged, and tells the totals that must be. */
  async end(): Promise<Record<string, bigint>> {
    this.#ending = true;
    await Promise.all(this.#senders);
    return { wire_bytes_in: this.acknowledgedIn, wire_bytes_out: this.acknowledgedOut };
  }

  /** Ends at once, for a test that failed. */
  giveUp(): void {
    this.#ending = true;
    this.#gaveUp = true;
  }

  async #run(service: string): Promise<void> {
    const start = nowNanos();
    let total = 0n;
    for (let count = 1n; !this.#ending; count++) {
      const [received, sent] = [1000n + count, 10n + count];
      total += received;
      await this.#deliver(requestOf(service, start, total, sent));
      this.acknowledgedIn += received;
      this.acknowledgedOut += sent;
      this.requests++;
    }
  }

  async #deliver(body: Uint8Array): Promise<void> {
    while (!this.#gaveUp) {
      const status = await postMetrics(this.#origin, body).then(
        (answer) => answer.status,
        () => undefined,
      );
      if (status === 200) return;
      if (status !== 503 && status !== undefined) throw new Error(`answered ${status}`);
      this.repetitions++;
      await pause(PAUSE_MILLIS);
    }
  }
}

function requestOf(service: string, start: bigint, received: bigint, sent: bigint): Uint8Array {
  const time = nextNanos();
  const attributes = (direction: string) => ({ "network.io.direction": direction });
  const name = "bandwidth.http.server.io";
  return otlpRequest([
    {
      attributes: { "service.name": service },
      metrics: [
        { name, unit: "By", sum: [{ attributes: attributes("receive"), start, time, value: received }] },
        {
          name,
          unit: "By",
          temporality: "delta",
          sum: [{ attributes: attributes("transmit"), start: time - 1000n, time, value: sent }],
        },
      ],
    },
  ]);
}

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
  const load = new Load(`http://127.0.0.1:${otlpPort}`);
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
