/**
 * The number of shards is changed under load, on Redis and MariaDB: two receivers are started again one after the other with a larger
 * `SHARDS`, one is killed in the middle of a change, and a command makes them fewer again. In the end the totals are what was
 * acknowledged, to the byte; the longest time without live figures is printed.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { MysqlRollupStore } from "../../src/rollup/mysql-rollup-store.ts";
import { type RunningCommand, startCommand } from "../support/command.ts";
import { freePort } from "../support/free-port.ts";
import { valueOf } from "../support/log-entries.ts";
import { otlpRequest } from "../support/otlp-request.ts";
import { nextNanos, nowNanos, postMetrics } from "../support/send-metrics.ts";
import { startMariadb } from "../support/mariadb-server.ts";
import { startRedisServer } from "../support/redis-server.ts";
import { ServiceLoad } from "../support/service-load.ts";
import { columnSums, embeddedColumnSums } from "../support/totals.ts";

let redis: Awaited<ReturnType<typeof startRedisServer>>;
let sql: Awaited<ReturnType<typeof startMariadb>>;

beforeAll(async () => {
  [redis, sql] = await Promise.all([startRedisServer(), startMariadb()]);
});
afterAll(async () => {
  await Promise.all([redis.remove(), sql.stop()]);
});

/** A receiver on ports of its own, whatever process stands behind them. */
class ReceiverPlace {
  readonly otlpPort: number;
  readonly bridgePort: number;
  readonly #environment: Readonly<Record<string, string>>;
  #command: RunningCommand | undefined;

  private constructor(otlpPort: number, bridgePort: number, environment: Readonly<Record<string, string>>) {
    this.otlpPort = otlpPort;
    this.bridgePort = bridgePort;
    this.#environment = environment;
  }

  static async create(environment: Readonly<Record<string, string>>): Promise<ReceiverPlace> {
    return new ReceiverPlace(await freePort(), await freePort(), environment);
  }

  async start(shards: number): Promise<void> {
    this.#command = startCommand([], {
      OTLP_PORT: String(this.otlpPort),
      BRIDGE_PORT: String(this.bridgePort),
      METRICS_PROCESS_INTERVAL: "100",
      METRICS_PERSIST_INTERVAL: "500",
      ...this.#environment,
      SHARDS: String(shards),
    });
    await this.#command.printed(/log in /);
  }

  /** Resolves with what it wrote to standard error. */
  async stop(signal: NodeJS.Signals = "SIGTERM"): Promise<string> {
    return (await this.#command?.stop(signal))?.stderr ?? "";
  }

  /** Bytes per second that its live view tells of; undefined when it tells nothing. */
  async live(): Promise<number | undefined> {
    try {
      const answer = await fetch(`http://127.0.0.1:${this.bridgePort}/api/live`, { signal: AbortSignal.timeout(2000) });
      if (!answer.ok) return undefined;
      return ((await answer.json()) as { http: { bytesInPerSecond: number } }).http.bytesInPerSecond;
    } catch {
      return undefined;
    }
  }
}

const PULSE_MILLIS = 200;

/** A service whose rate grows with each of its requests, so that old live figures can be told from new ones. */
async function pulse(origins: readonly string[], isOver: () => boolean): Promise<void> {
  const start = nowNanos();
  let sum = 0;
  for (let count = 1; !isOver(); count += 1) {
    sum += count * 1000;
    const point = { attributes: { "http.request.method": "GET" }, start, time: nextNanos(), count: BigInt(count), sum };
    const metrics = [{ name: "http.server.request.body.size", unit: "By", histogram: [point] }];
    const body = otlpRequest([{ attributes: { "service.name": "pulse" }, metrics }]);
    for (const origin of origins) {
      const status = await postMetrics(origin, body).then(
        (answer) => answer.status,
        () => undefined,
      );
      if (status === 200) break;
    }
    await pause(PULSE_MILLIS);
  }
}

/** Looks at the live views until told to stop; the longest time in which none of them told anything new. */
function watchLive(places: readonly ReceiverPlace[]): () => Promise<number> {
  let [longest, seenAt] = [0, performance.now()];
  const end = new AbortController();
  const isOver = (): boolean => end.signal.aborted;
  const seen = new Set<number>();
  const watch = async (): Promise<void> => {
    while (!isOver()) {
      const rates = await Promise.all(places.map((place) => place.live()));
      const now = performance.now();
      longest = Math.max(longest, now - seenAt);
      const news = rates.filter((rate) => rate !== undefined && rate > 0 && !seen.has(rate));
      if (news.length > 0) seenAt = now;
      for (const rate of news) seen.add(rate!);
      await pause(50);
    }
  };
  const origins = places.map(({ otlpPort }) => `http://127.0.0.1:${otlpPort}`);
  const watching = Promise.all([watch(), pulse(origins, isOver)]);
  return async () => {
    end.abort();
    await watching;
    return longest;
  };
}

describe("another number of shards under load", () => {
  it("is what an embedded receiver is started with, up and down", { timeout: 120_000 }, async () => {
    const folder = mkdtempSync(join(tmpdir(), "otel-bandwidth-reshard-"));
    const place = await ReceiverPlace.create({ DATA_DIR: folder });
    await place.start(2);
    const load = new ServiceLoad(`http://127.0.0.1:${place.otlpPort}`);
    try {
      for (const shards of [5, 1, 3]) {
        await load.acknowledges(40);
        // Data is left in the log where it is ended like this.
        await place.stop(shards === 1 ? "SIGTERM" : "SIGKILL");
        await place.start(shards);
      }
      await load.acknowledges(40);
      const expected = await load.end();
      expect(await place.stop()).toContain("there are 3 shards now");
      expect(await embeddedColumnSums(folder)).toEqual(expected);
    } finally {
      load.giveUp();
      await place.stop("SIGKILL");
      rmSync(folder, { recursive: true, force: true });
    }
  });

  it("loses and doubles nothing, and the live view goes on", { timeout: 240_000 }, async () => {
    const url = await sql.createDatabase();
    const environment = { REDIS_URL: redis.url, MYSQL_URL: url };
    const store = new MysqlRollupStore({ url });
    const places = [await ReceiverPlace.create(environment), await ReceiverPlace.create(environment)];
    const shardCount = async (): Promise<number> => valueOf(await store.layouts.layout()).shardCount;
    for (const place of places) await place.start(2);
    const loads: ServiceLoad[] = [];
    for (const { otlpPort } of places) {
      // Both have services of the same names: streams that began in the same millisecond would be one.
      await pause(20);
      loads.push(new ServiceLoad(`http://127.0.0.1:${otlpPort}`));
    }
    const acknowledge = async (count: number): Promise<void> =>
      void (await Promise.all(loads.map((load) => load.acknowledges(count))));
    try {
      await acknowledge(100);
      const unwatch = watchLive(places);
      // A rolling restart, in order and not.
      await places[0]!.stop();
      await places[0]!.start(8);
      await acknowledge(50);
      await places[1]!.stop("SIGKILL");
      await places[1]!.start(8);
      await expect.poll(shardCount, { timeout: 60_000 }).toBe(8);
      await acknowledge(100);
      // Fewer again, by hand; one dies meanwhile.
      const reshard = startCommand(["reshard", "--to", "3"], environment);
      await reshard.printed(/waiting for the receivers/);
      await places[0]!.stop("SIGKILL");
      await places[0]!.start(3);
      await reshard.printed(/there are 3 shards now/);
      await acknowledge(100);
      const gapMillis = await unwatch();
      const sums = (await Promise.all(loads.map((load) => load.end()))).reduce((all, one) => ({
        wire_bytes_in: all["wire_bytes_in"]! + one["wire_bytes_in"]!,
        wire_bytes_out: all["wire_bytes_out"]! + one["wire_bytes_out"]!,
      }));
      await expect.poll(() => columnSums(store), { timeout: 30_000, interval: 100 }).toMatchObject(sums);
      for (const place of places) await place.stop();
      expect(await columnSums(store)).toMatchObject(sums);
      expect(await shardCount()).toBe(3);
      const requests = loads.reduce((sum, load) => sum + load.requests, 0);
      process.stdout.write(
        `${requests} requests, 2 → 8 → 3 shards: longest time without live figures ${Math.round(gapMillis)} ms\n`,
      );
    } finally {
      for (const load of loads) load.giveUp();
      for (const place of places) await place.stop("SIGKILL");
      await store.close();
    }
  });
});
