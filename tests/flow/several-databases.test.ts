/** A receiver whose shards are counted in two databases, and the commands that read both. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createConnection } from "mysql2/promise";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ALERT_RULES } from "../../src/alerts/alert-rules.ts";
import { createReceiver, type Receiver } from "../../src/app/receiver.ts";
import { loadSettings } from "../../src/app/load-settings.ts";
import { openTotalsStore } from "../../src/app/stores.ts";
import { systemClock } from "../../src/model/clock.ts";
import { claimPlace } from "../../src/rollup/database-place.ts";
import { migrateUp } from "../../src/rollup/migrate.ts";
import { mysqlMigrationDatabase } from "../../src/rollup/mysql-migration-database.ts";
import { MysqlRollupStore } from "../../src/rollup/mysql-rollup-store.ts";
import { runCommand } from "../support/command.ts";
import { valueOf } from "../support/log-entries.ts";
import { startMariadb } from "../support/mariadb-server.ts";
import { otlpRequest } from "../support/otlp-request.ts";
import { SeededTotals, httpSeries, webrtcSeries } from "../support/seeded-totals.ts";
import { nowNanos, postMetrics, receivedBytes } from "../support/send-metrics.ts";
import { TEST_DAY } from "../support/shard-commits.ts";
import type { SqlServer } from "../support/sql-server.ts";

const MINUTE = 60_000;

let folder: string;
let sql: SqlServer;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "otel-bandwidth-several-"));
  sql = await startMariadb();
});
afterAll(async () => {
  await sql?.stop();
  rmSync(folder, { recursive: true, force: true });
});

async function rowsOf(url: string, statement: string): Promise<readonly Readonly<Record<string, unknown>>[]> {
  const connection = await createConnection({ uri: url, supportBigNumbers: true, bigNumberStrings: true });
  try {
    const [rows] = await connection.query(statement);
    return rows as readonly Readonly<Record<string, unknown>>[];
  } finally {
    await connection.end();
  }
}

async function twoDatabases(): Promise<readonly [string, string]> {
  return [await sql.createDatabase(), await sql.createDatabase()];
}

describe("a receiver with two databases", { timeout: 3 * MINUTE }, () => {
  const running: Receiver[] = [];
  afterAll(async () => {
    for (const receiver of running) await receiver.stop();
  });

  async function start(mysqlUrl: string, shards: number): Promise<{ receiver: Receiver; otlp: string; live: string }> {
    const dataDirectory = mkdtempSync(join(folder, "data-"));
    const ports = { otlpPort: 0, bridgePort: 0, report: () => undefined };
    const receiver = createReceiver({ environment: {}, dataDirectory, mysqlUrl, shards, ...ports });
    running.push(receiver);
    const { otlpPort, bridgePort } = await receiver.start();
    return { receiver, otlp: `http://127.0.0.1:${otlpPort}`, live: `http://127.0.0.1:${bridgePort}` };
  }

  it("counts each shard in its own, once, and reads both", async () => {
    const [first, second] = await twoDatabases();
    const list = `${first} ${second}`;
    const { receiver, otlp, live } = await start(list, 4);
    expect((await fetch(`${live}/readyz`)).status).toBe(200);
    const [begun, names] = [nowNanos(), Array.from({ length: 24 }, (_, index) => `service-${index}`)];
    for (const value of [1n, 1000n]) {
      const resources = names.map((name) => ({
        attributes: { "service.name": name },
        metrics: [receivedBytes(value, begun)],
      }));
      expect((await postMetrics(otlp, otlpRequest(resources))).status).toBe(200);
    }
    await receiver.stop();

    for (const [position, url] of [first, second].entries()) {
      const shards = await rowsOf(url, "SELECT shard FROM ingest_offset ORDER BY shard");
      expect(shards.map(({ shard }) => Number(shard) % 2)).toEqual([position, position]);
      expect(await rowsOf(url, "SELECT position, database_count FROM database_place")).toEqual([
        { position, database_count: 2 },
      ]);
    }
    const counted = await Promise.all([first, second].map((url) => rowsOf(url, "SELECT service FROM series")));
    expect(counted.every((services) => services.length > 0)).toBe(true);
    expect(
      counted
        .flat()
        .map(({ service }) => String(service))
        .toSorted(),
    ).toEqual(names.toSorted());

    const environment = { MYSQL_URL: list, SHARDS: "4", DATA_DIR: receiver.settings.dataDirectory };
    const today = new Date().toISOString().slice(0, 10);
    const tomorrow = new Date(Date.now() + 86_400_000).toISOString().slice(0, 10);
    const totals = await runCommand(["totals", "--from", today, "--to", tomorrow, "--format", "json"], environment);
    expect(totals.stderr).toBe("");
    const { lines, total } = JSON.parse(totals.stdout) as { lines: unknown[]; total: Record<string, string> };
    expect(lines).toHaveLength(24);
    expect(total["wire_bytes_in"]).toBe("24000");
    const verified = await runCommand(["verify", "--json"], environment);
    const { result, checks } = JSON.parse(verified.stdout) as { result: string; checks: { subject: string }[] };
    expect(result).toBe("fine");
    expect(checks.filter(({ subject }) => subject.startsWith("series in "))).toHaveLength(2);
    const status = await runCommand(["migrate", "status"], environment);
    expect(status.stdout.match(/0001 totals: applied/g)).toHaveLength(2);
  });

  it("refuses to start on databases in another order, or without one of them, and says why", async () => {
    const [first, second] = await twoDatabases();
    const { receiver } = await start(`${first},${second}`, 2);
    await receiver.stop();
    for (const [list, message] of [
      [`${second} ${first}`, "this is database 2 of 2, and MYSQL_URL has it as 1 of 2"],
      [first, "this is database 1 of 2, and MYSQL_URL has it as 1 of 1"],
    ] as const) {
      const { live, otlp, receiver: refused } = await start(list, 2);
      const answer = await fetch(`${live}/readyz`);
      expect(answer.status).toBe(503);
      expect(await answer.text()).toContain(message);
      expect((await postMetrics(otlp, otlpRequest([{ metrics: [receivedBytes(1n, nowNanos())] }]))).status).toBe(503);
      await refused.stop();
      const totals = await runCommand(["totals", "--from", "2026-11-01", "--to", "2026-11-02"], {
        MYSQL_URL: list,
        SHARDS: "2",
        DATA_DIR: folder,
      });
      expect([totals.code, totals.stderr]).toEqual([3, expect.stringContaining(message)]);
    }
  });

  it("is given another number of shards only by who names all of them, and a number that they can share", async () => {
    const [first, second] = await twoDatabases();
    const { receiver } = await start(`${first},${second}`, 2);
    await receiver.stop();
    for (const [list, code, message] of [
      [first, 3, "this is database 1 of 2, and MYSQL_URL has it as 1 of 1"],
      [`${second} ${first}`, 3, "this is database 2 of 2, and MYSQL_URL has it as 1 of 2"],
      [`${first} ${second}`, 1, "3 shards are no multiple of 2 databases"],
    ] as const) {
      const environment = { MYSQL_URL: list, SHARDS: "2", DATA_DIR: receiver.settings.dataDirectory };
      const refused = await runCommand(["reshard", "--to", "3"], environment);
      expect([refused.code, refused.stderr]).toEqual([code, expect.stringContaining(message)]);
    }
    for (const url of [first, second]) {
      expect(await rowsOf(url, "SELECT shard_count, wanted_shard_count FROM shard_layout")).toEqual([
        { shard_count: 2, wanted_shard_count: 2 },
      ]);
    }
  });

  it("refuses a database that was the only one, as the first of two", async () => {
    const [first, second] = await twoDatabases();
    const { receiver } = await start(first, 2);
    await receiver.stop();
    await rowsOf(first, "DELETE FROM database_place");
    const { live } = await start(`${first} ${second}`, 2);
    expect(await (await fetch(`${live}/readyz`)).text()).toContain(
      "this is database 1 of 1, and MYSQL_URL has it as 1 of 2",
    );
  });
});

it("needs a number of shards that two databases can share", () => {
  const loaded = loadSettings({ MYSQL_URL: "mysql://h/a mysql://h/b", SHARDS: "3" });
  expect(loaded).toEqual({
    kind: "failure",
    faults: ["SHARDS: expected a multiple of the 2 databases in MYSQL_URL (got 3)"],
  });
});

describe("what is read of two databases", { timeout: 3 * MINUTE }, () => {
  let environment: Readonly<Record<string, string>>;
  let urls: readonly [string, string];

  // Rows of one service and one meeting lie in one database; overflow rows and the erased may lie in both.
  beforeAll(async () => {
    urls = await twoDatabases();
    for (const [position, url] of urls.entries()) {
      valueOf(await migrateUp(mysqlMigrationDatabase({ url }), TEST_DAY));
      valueOf(await claimPlace({ url }, { position, count: urls.length }));
      const store = new MysqlRollupStore({ url });
      const atSeconds = TEST_DAY + 120;
      const relay = { connected_seconds: 60_000, relay_seconds: 60_000, relay_cost_nanos: 60_000_000 };
      await new SeededTotals(store).add(
        [
          { dimensions: httpSeries("__other__", "/a"), atSeconds, values: { bytes_in: 2 ** 52, bytes_out: 1 } },
          { dimensions: httpSeries(`own-${position}`, "/b"), atSeconds, values: { bytes_in: 5 } },
          { dimensions: httpSeries("__other__", "/a", { side: "client" }), atSeconds, values: { bytes_in: 7 } },
          { dimensions: webrtcSeries("standup", "ann"), atSeconds, values: { ...relay, bytes_in: 10 } },
        ],
        TEST_DAY,
      );
      await store.close();
    }
    environment = { MYSQL_URL: urls.join(","), SHARDS: "2", DATA_DIR: folder };
  }, 3 * MINUTE);

  function totals(...args: readonly string[]): ReturnType<typeof runCommand> {
    return runCommand(["totals", "--from", "2026-11-22", "--to", "2026-11-23", ...args], environment);
  }

  it("adds up by service, route and meeting, exactly, whatever the format", async () => {
    const service = await totals("--by", "service", "--format", "csv");
    expect(service.stderr).toBe("");
    expect(service.stdout.split("\r\n")).toEqual([
      "protocol,namespace,service,environment,requests,errors,bytes_in,bytes_out,wire_bytes_in,wire_bytes_out,connected_seconds,relay_seconds,relay_bytes,relay_cost",
      "http,shop,__other__,prod,0,0,9007199254740992,2,0,0,0.000,0.000,0,0.000000000",
      "webrtc,shop,meet,prod,0,0,20,0,0,0,120.000,120.000,0,0.120000000",
      "http,shop,own-0,prod,0,0,5,0,0,0,0.000,0.000,0,0.000000000",
      "http,shop,own-1,prod,0,0,5,0,0,0,0.000,0.000,0,0.000000000",
      "",
    ]);
    const meeting = JSON.parse((await totals("--by", "meeting", "--format", "json")).stdout) as object;
    expect(meeting).toMatchObject({ lines: [{ meeting_id: "standup", relay_cost: "0.120000000" }] });
    const route = await totals("--by", "route", "--from", "2026-11-22T00:00Z", "--to", "2026-11-22T01:00Z");
    expect(route.stdout).toMatch(/^http \/ shop \/ __other__ \/ prod \/ GET \/ \/a +0 +0 +9007199254740992 +2 /m);
    expect(route.stdout).toMatch(/^all +0 +0 +9007199254741022 +2 /m);
  });

  it.each([
    [["--to", "2026-11-21"], "expected a time after --from"],
    [["--from", "2026-02-30"], "expected a day such as"],
    [["--from", "2026-11-22T00:30Z"], "expected a day such as"],
    [["--by", "shard"], "expected service, route, meeting"],
  ])("is refused with %j", async (args, message) => {
    const refused = await totals(...args);
    expect([refused.code, refused.stderr]).toEqual([2, expect.stringContaining(message)]);
  });

  it("is billed together, and measured together for alerts that are about everything", async () => {
    const bill = await runCommand(["bill", "--month", "2026-11", "--format", "json"], environment);
    expect(JSON.parse(bill.stdout)).toMatchObject({
      lines: [{ meeting: "standup", connectedMinutes: "2.000", relayCost: "0.120000000" }],
    });
    const loaded = loadSettings(environment);
    if (loaded.kind === "failure") throw new Error(loaded.faults.join());
    const opened = valueOf(openTotalsStore(loaded.settings, systemClock));
    const times = { from: TEST_DAY, to: TEST_DAY + 300, now: TEST_DAY + 300 };
    const rule = ALERT_RULES.find(({ id }) => id === "turn-cost")!;
    // Neither database alone has the samples that the rule asks for.
    const strict = { ...rule, minimumSamples: 100 };
    const measured = valueOf(await opened.alerts.measure(strict, times, 10));
    expect(measured).toEqual([{ scopeValues: [], value: expect.closeTo(0.12 * 12, 9) as number, samples: 120 }]);
    await opened.store.close();
  });

  it("is erased in both", async () => {
    const erased = await runCommand(["forget", "--participant", "ann"], environment);
    expect([erased.code, erased.stderr]).toEqual([0, ""]);
    for (const url of urls) {
      expect(await rowsOf(url, "SELECT 1 FROM series WHERE participant_id = 'ann'")).toEqual([]);
    }
  });

  it("is looked at by doctor, database by database", async () => {
    const doctor = await runCommand(["doctor"], { ...environment, OTLP_PORT: "0", BRIDGE_PORT: "0" });
    expect(doctor.stdout).toMatch(/^ok +SQL 1\/2: .* answers$/m);
    expect(doctor.stdout).toMatch(/^ok +SQL 2\/2: .* answers$/m);
    const swapped = { ...environment, MYSQL_URL: [...urls].reverse().join(" ") };
    for (const url of urls) await rowsOf(url, "DELETE FROM database_place");
    await rowsOf(urls[0], "INSERT INTO database_place VALUES (1, 0, 2)");
    const refused = await runCommand(["doctor"], { ...swapped, OTLP_PORT: "0", BRIDGE_PORT: "0" });
    expect(refused.stdout).toMatch(/^FAIL SQL databases 2\/2: this is database 1 of 2/m);
  });
});
