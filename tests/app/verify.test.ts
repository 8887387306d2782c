/** `otel-bandwidth verify` on real stores: beside a receiver under load it finds nothing, after real damage it says what. */
import { cpSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { createConnection } from "mysql2/promise";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type CommandOutcome, runCommand } from "../support/command.ts";
import {
  type CommandReceiver,
  CommandStores,
  type Environment,
  startCommandReceiver,
} from "../support/command-stores.ts";
import { freePort } from "../support/free-port.ts";
import { otlpRequest, type TestMetric } from "../support/otlp-request.ts";
import { startRedisServer } from "../support/redis-server.ts";
import { nextNanos, nowNanos, postMetrics, receivedBytes } from "../support/send-metrics.ts";

let stores: CommandStores;
beforeAll(async () => {
  stores = await CommandStores.start();
});
afterAll(() => stores.remove());

function startReceiver(environment: Environment): Promise<CommandReceiver> {
  return startCommandReceiver({ SHARDS: "3", ...environment });
}

function verify(environment: Environment, ...args: readonly string[]): Promise<CommandOutcome> {
  return runCommand(["verify", ...args], { SHARDS: "3", ...environment });
}

/** The line about a subject. */
function lineAbout({ stdout }: CommandOutcome, subject: string): string {
  const lines = stdout.split("\n").filter((line) => line.slice(5).startsWith(`${subject}:`));
  expect(lines, stdout).toHaveLength(1);
  return lines[0]!;
}

/** Durations of requests of several routes, as deltas of the last second. */
function durations(count: bigint): TestMetric {
  const time = nextNanos();
  const histogram = ["/a", "/b", "/c"].map((route) => ({
    attributes: { "http.route": route, "http.request.method": "GET", "http.response.status_code": 200 },
    start: time - 1000n,
    time,
    count,
    sum: Number(count) * 0.1,
    bounds: [0.05, 0.2],
    bucketCounts: [0n, count, 0n],
  }));
  return { name: "http.server.request.duration", unit: "s", temporality: "delta", histogram };
}

class Load {
  acknowledged = 0;
  readonly #origin: string;
  readonly #senders: readonly Promise<void>[];
  #ending = false;

  constructor(origin: string) {
    this.#origin = origin;
    this.#senders = [0, 1, 2, 3, 4].map((sender) => this.#run(`service-${sender}`));
  }

  /** Resolves when this many more requests were acknowledged. */
  async acknowledges(count: number): Promise<void> {
    const goal = this.acknowledged + count;
    await expect.poll(() => this.acknowledged, { timeout: 30_000, interval: 10 }).toBeGreaterThanOrEqual(goal);
  }

  async end(): Promise<void> {
    this.#ending = true;
    await Promise.all(this.#senders);
  }

  async #run(service: string): Promise<void> {
    const start = nowNanos();
    for (let count = 1n; !this.#ending; count += 1n) {
      const metrics = [receivedBytes(count * 1000n, start), durations(3n)];
      const answer = await postMetrics(
        this.#origin,
        otlpRequest([{ attributes: { "service.name": service }, metrics }]),
      );
      if (answer.status === 200) this.acknowledged += 1;
    }
  }
}

/** Verifies beside a load, then after it. */
async function isFine(environment: Environment): Promise<void> {
  const { command, origin } = await startReceiver(environment);
  const load = new Load(origin);
  try {
    await load.acknowledges(30);
    for (let look = 0; look < 4; look += 1) {
      const beside = await verify(environment);
      expect(beside, beside.stdout).toMatchObject({ code: 0, stderr: "" });
      expect(beside.stdout).not.toContain("FAIL");
      await load.acknowledges(5);
    }
  } finally {
    await load.end();
    await command.stop();
  }
  const after = await verify(environment);
  expect(after, after.stdout).toMatchObject({ code: 0, stderr: "" });
  expect(after.stdout).not.toMatch(/FAIL|warn/);
  expect(after.stdout).toMatch(/\nnothing is wrong\n$/);
  expect(lineAbout(after, "minutes and hours")).toMatch(/adds up to [1-9]\d* rows? of metrics_hourly/);
  expect(lineAbout(after, "latency minutes and hours")).toMatch(/adds up to [1-9]\d* rows? of service_latency_hourly/);
}

/** A receiver takes in some requests and ends. */
async function receiveSome(environment: Environment, count: number): Promise<void> {
  const { command, origin } = await startReceiver(environment);
  const load = new Load(origin);
  try {
    await load.acknowledges(count);
  } finally {
    await load.end();
    await command.stop();
  }
}

async function query(url: string, text: string): Promise<void> {
  const connection = await createConnection({ uri: url });
  await connection.query(text);
  await connection.end();
}

function embeddedQuery(directory: string, text: string): void {
  const database = new DatabaseSync(join(directory, "bandwidth.db"));
  database.exec(text);
  database.close();
}

describe("verify, where nothing is wrong,", () => {
  it("says so beside an embedded receiver under load, and after it", { timeout: 60_000 }, async () => {
    await isFine({ DATA_DIR: join(stores.folder, "fine") });
  });

  it("says so beside a receiver on Redis and MariaDB under load, and after it", { timeout: 60_000 }, async () => {
    await isFine({ REDIS_URL: stores.redis.url, MYSQL_URL: await stores.sql.createDatabase() });
  });
});

describe("verify, of damaged totals,", () => {
  it("names every fault and ends with 1, embedded", { timeout: 60_000 }, async () => {
    const directory = join(stores.folder, "damaged");
    const environment = { DATA_DIR: directory };
    await receiveSome(environment, 20);
    embeddedQuery(
      directory,
      `UPDATE metrics_minute SET latency_count = latency_count + 1
         WHERE series_id = (SELECT series_id FROM series WHERE service = 'service-1' AND route = '/b');
       DELETE FROM metrics_hourly WHERE series_id = (SELECT series_id FROM series WHERE service = 'service-2' AND route = '/c');
       DELETE FROM series WHERE service = 'service-3' AND route = '/a';
       INSERT INTO ingest_quarantine VALUES (0, 1, '7-0', '8-0', 0, 1795305600, 'cannot be folded', x'00');`,
    );
    const outcome = await verify(environment);
    expect([outcome.code, outcome.stderr]).toEqual([1, ""]);
    expect(lineAbout(outcome, "minutes and hours")).toMatch(
      /^FAIL .* does not add up to 2 of \d+ rows of metrics_hourly/,
    );
    expect(outcome.stdout).toMatch(
      /service-1 server GET \/b 200 \(series -?\d+\) at \S+: latency_count \d+ in metrics_minute, \d+ in metrics_hourly/,
    );
    expect(outcome.stdout).toMatch(
      /service-2 server GET \/c .*latency_count \d+ in metrics_minute, no row in metrics_hourly/,
    );
    expect(lineAbout(outcome, "hours and days")).toMatch(/^FAIL .* does not add up to 1 of /);
    expect(lineAbout(outcome, "latencies of services")).toMatch(/^FAIL /);
    expect(lineAbout(outcome, "series")).toMatch(/^FAIL series: 1 ids in the totals have no row in series/);
    expect(lineAbout(outcome, "quarantine")).toMatch(
      /^FAIL quarantine: 1 metric could not be folded .* from 2026-11-22T00:00:00Z to 2026-11-22T00:00:00Z/,
    );
    expect(outcome.stdout).toContain("1 metric: cannot be folded");
    const json = await verify(environment, "--json");
    const report = JSON.parse(json.stdout) as { result: string; checks: { subject: string; level: string }[] };
    expect([json.code, report.result]).toEqual([1, "fault"]);
    expect(report.checks.filter(({ level }) => level === "FAIL").map(({ subject }) => subject)).toEqual([
      "minutes and hours",
      "hours and days",
      "latencies of services",
      "series",
      "quarantine",
    ]);
  });

  it(
    "finds an old copy of the embedded totals behind a trimmed log, and when the gap was",
    { timeout: 60_000 },
    async () => {
      const directory = join(stores.folder, "restored");
      const environment = { DATA_DIR: directory, SHARDS: "1" };
      await receiveSome(environment, 10);
      cpSync(join(directory, "bandwidth.db"), join(directory, "copy"));
      await receiveSome(environment, 10);
      cpSync(join(directory, "copy"), join(directory, "bandwidth.db"));
      const outcome = await verify(environment);
      expect(outcome.code).toBe(1);
      expect(lineAbout(outcome, "log of shard 0")).toMatch(
        /^FAIL .*the totals end at entry \d+-0 and the log goes on at nothing: what was acknowledged from \d{4}-\S+Z to now/,
      );
    },
  );

  it("finds an embedded log that is an older copy than the totals", { timeout: 60_000 }, async () => {
    const directory = join(stores.folder, "log-restored");
    const environment = { DATA_DIR: directory, SHARDS: "1" };
    await receiveSome(environment, 10);
    cpSync(join(directory, "ingest-log.db"), join(directory, "copy"));
    await receiveSome(environment, 10);
    cpSync(join(directory, "copy"), join(directory, "ingest-log.db"));
    const outcome = await verify(environment);
    expect(outcome.code, outcome.stdout).toBe(1);
    expect(lineAbout(outcome, "log of shard 0")).toMatch(
      /^FAIL .*it ends at entry \d+-0, before the totals at \d+-0: it is an older copy, or lost its end/,
    );
    expect(outcome.stdout).toMatch(/\n1 failed\n$/);
  });

  it("finds an old copy of the database behind a trimmed log in Redis", { timeout: 60_000 }, async () => {
    const own = await startRedisServer();
    const url = await stores.sql.createDatabase();
    const environment = { REDIS_URL: own.url, MYSQL_URL: url, SHARDS: "1" };
    await receiveSome(environment, 10);
    await query(url, "CREATE TABLE copy AS SELECT * FROM ingest_offset");
    await receiveSome(environment, 10);
    await query(url, "REPLACE INTO ingest_offset SELECT * FROM copy");
    const restored = await verify(environment);
    // An entry that waits tells when the gap ends.
    const { command, origin } = await startReceiver({
      ...environment,
      METRICS_PERSIST_INTERVAL: "60000",
      METRICS_PROCESS_INTERVAL: "60000",
    });
    const answer = await postMetrics(origin, otlpRequest([{ metrics: [receivedBytes(5n, nowNanos())] }]));
    command.child.kill("SIGKILL");
    await command.ended;
    const waiting = await verify(environment);
    await own.remove();
    expect(restored.code).toBe(1);
    expect(lineAbout(restored, "log of shard 0")).toMatch(
      /^FAIL .* the log goes on at nothing: .* to now is in neither/,
    );
    expect(answer.status).toBe(200);
    expect(waiting.code).toBe(1);
    expect(lineAbout(waiting, "log of shard 0")).toMatch(
      /^FAIL .* and the log goes on at \d+-0: what was acknowledged from \d{4}-\S+Z to \d{4}-\S+Z is in neither/,
    );
  });

  it("says what another Redis, and one that was restarted, means", { timeout: 60_000 }, async () => {
    const own = await startRedisServer();
    const other = await startRedisServer();
    const url = await stores.sql.createDatabase();
    const environment = { REDIS_URL: own.url, MYSQL_URL: url, SHARDS: "1" };
    await receiveSome(environment, 10);
    const elsewhere = await verify({ ...environment, REDIS_URL: other.url });
    await own.kill();
    await own.start();
    const restarted = await verify(environment);
    await Promise.all([own.remove(), other.remove()]);
    expect([elsewhere.code, restarted.code]).toEqual([1, 0]);
    expect(lineAbout(elsewhere, "log of shard 0")).toMatch(
      /^FAIL .*it ends at entry 0-0, before the totals at \S+: it is new, or was emptied/,
    );
    expect(restarted.stdout).toMatch(/\nnothing failed, 1 warning\n$/);
    expect(lineAbout(restarted, "log of shard 0")).toMatch(/^warn .*Redis was restarted or promoted/);
  });
});

describe("verify, where a store is out of reach,", () => {
  it("says which and ends with 3", async () => {
    const url = await stores.sql.createDatabase();
    const port = await freePort();
    const outcomes = [
      await verify({ DATA_DIR: join(stores.folder, "nowhere") }),
      await verify({ REDIS_URL: stores.redis.url, MYSQL_URL: `mysql://test@127.0.0.1:${port}/none` }),
      await verify({ REDIS_URL: stores.redis.url, MYSQL_URL: url }),
    ];
    expect(outcomes.map(({ code, stdout }) => [code, stdout])).toEqual(outcomes.map(() => [3, ""]));
    expect(outcomes[0]?.stderr).toMatch(/verify: there is no .*bandwidth\.db: set DATA_DIR/);
    expect(outcomes[1]?.stderr).toMatch(/verify: nothing listens at 127\.0\.0\.1/);
    expect(outcomes[2]?.stderr).toMatch(/verify: migrations have not run: totals.*otel-bandwidth migrate/);
    expect((await runCommand(["migrate"], { MYSQL_URL: url })).code).toBe(0);
    const noRedis = await verify({ REDIS_URL: `redis://127.0.0.1:${port}`, MYSQL_URL: url });
    expect([noRedis.code, noRedis.stderr]).toEqual([3, expect.stringContaining("verify: nothing listens there")]);
  });
});
