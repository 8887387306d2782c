/** `otel-bandwidth bill` on real totals of both engines. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { billRequest } from "../../src/app/bill.ts";
import { seriesId, type SeriesDimensions } from "../../src/model/dimensions.ts";
import type { RollupIncrement, RollupStore } from "../../src/model/rollup-store.ts";
import { migrateUp } from "../../src/rollup/migrate.ts";
import { mysqlMigrationDatabase } from "../../src/rollup/mysql-migration-database.ts";
import { MysqlRollupStore } from "../../src/rollup/mysql-rollup-store.ts";
import { sqliteMigrationDatabase } from "../../src/rollup/sqlite-migration-database.ts";
import { openSqliteRollupStore } from "../../src/rollup/sqlite-rollup-store.ts";
import { runCommand, type CommandOutcome } from "../support/command.ts";
import { valueOf } from "../support/log-entries.ts";
import { startMariadb } from "../support/mariadb-server.ts";
import { webrtcDimensions } from "../support/realtime-figures.ts";
import { rollupValues, shardCommit, TEST_DAY } from "../support/shard-commits.ts";
import type { SqlServer } from "../support/sql-server.ts";

type Environment = Readonly<Record<string, string>>;

const NOVEMBER = Date.parse("2026-11-01T00:00:00Z") / 1000;
const DECEMBER = Date.parse("2026-12-01T00:00:00Z") / 1000;
const DAY = 86_400;

let folder: string;
let sql: SqlServer;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "otel-bandwidth-bill-"));
  sql = await startMariadb();
});
afterAll(async () => {
  await sql.stop();
  rmSync(folder, { recursive: true, force: true });
});

function day(dimensions: SeriesDimensions, bucketStart: number, named: Record<string, number>): RollupIncrement {
  return { seriesId: seriesId(dimensions), bucketStart, values: rollupValues(named), carry: [], latency: new Map() };
}

/** Two meetings, a person in both, and what is of another month or of HTTP. */
async function fill(store: RollupStore): Promise<void> {
  const people = [
    webrtcDimensions("=daily", "ann"),
    webrtcDimensions("=daily", "bob"),
    webrtcDimensions('review, "big"', "ann"),
    webrtcDimensions("=daily ", "Zoë"),
    { ...webrtcDimensions("", ""), protocol: "http", side: "server" } as const,
  ];
  const [ann, bob, annAgain, zoe, http] = people as [
    SeriesDimensions,
    SeriesDimensions,
    SeriesDimensions,
    SeriesDimensions,
    SeriesDimensions,
  ];
  const daily = [
    day(ann, NOVEMBER, { connected_seconds: 90_000, relay_seconds: 60_000, relay_cost_nanos: 833_333, bytes_in: 7 }),
    day(ann, NOVEMBER + DAY, { connected_seconds: 1, relay_bytes: 2 ** 52, bytes_out: 2 ** 52 }),
    day(bob, NOVEMBER + 29 * DAY, { connected_seconds: 30_001, bytes_in: 1_500_000_000 }),
    day(annAgain, NOVEMBER, { connected_seconds: 10, relay_cost_nanos: 1 }),
    day(zoe, NOVEMBER, { frames: 1 }),
    day(ann, DECEMBER, { connected_seconds: 99_999_999, relay_cost_nanos: 99 }),
    day(ann, NOVEMBER - DAY, { connected_seconds: 99_999_999, relay_cost_nanos: 99 }),
    day(http, NOVEMBER, { bytes_in: 99 }),
  ];
  const series = people.map((dimensions) => ({ seriesId: seriesId(dimensions), dimensions }));
  valueOf(await store.offset(0));
  const rollups = { minute: [], hourly: [], daily };
  valueOf(await store.commit(shardCommit("0-0", "1-0", { series, rollups, persistedAt: TEST_DAY })));
  await store.close();
}

const NO_BYTES = "0.000000000,0.000000000,0.000000000";

/** The same meeting and person of three tenants, one of them without a name. */
async function fillTenants(store: RollupStore): Promise<void> {
  const tenants = ["Bank", "bank", ""].map((namespace) => ({ ...webrtcDimensions("daily", "ann"), namespace }));
  const daily = tenants.map((one, at) => day(one, NOVEMBER, { connected_seconds: 60_000 * 2 ** at }));
  const series = tenants.map((dimensions) => ({ seriesId: seriesId(dimensions), dimensions }));
  valueOf(await store.offset(0));
  const rollups = { minute: [], hourly: [], daily };
  valueOf(await store.commit(shardCommit("0-0", "1-0", { series, rollups, persistedAt: TEST_DAY })));
  await store.close();
}

async function embedded(filled = fill): Promise<Environment> {
  const directory = mkdtempSync(join(folder, "embedded-"));
  const file = join(directory, "bandwidth.db");
  valueOf(await migrateUp(sqliteMigrationDatabase({ file }), TEST_DAY));
  await filled(valueOf(openSqliteRollupStore({ file })));
  return { DATA_DIR: directory };
}

async function mysql(filled = fill): Promise<Environment> {
  const url = await sql.createDatabase();
  valueOf(await migrateUp(mysqlMigrationDatabase({ url }), TEST_DAY));
  await filled(new MysqlRollupStore({ url }));
  return { MYSQL_URL: url };
}

function bill(environment: Environment, ...args: readonly string[]): Promise<CommandOutcome> {
  return runCommand(["bill", "--month", "2026-11", ...args], environment);
}

describe.each([
  ["SQLite", embedded],
  ["MySQL", mysql],
])("the bill of totals in %s", (_, make) => {
  it("has the month's use by meeting, participant and service, whatever the format", async () => {
    const environment = await make();
    const json = JSON.parse((await bill(environment, "--format", "json")).stdout) as Record<string, unknown>;
    const total = {
      connectedMinutes: "2.000",
      relayedMinutes: "1.000",
      gigabytes: "4503601.127370503",
      relayedGigabytes: "4503599.627370496",
      relayCost: "0.000833334",
    };
    expect(json).toMatchObject({ by: "meeting", countedThrough: "2026-11-22T00:00:00Z", isFinal: false, total });
    expect(json["lines"]).toEqual([
      {
        namespace: "shop",
        meeting: "=daily",
        connectedMinutes: "2.000",
        relayedMinutes: "1.000",
        gigabytes: "4503601.127370503",
        relayedGigabytes: "4503599.627370496",
        relayCost: "0.000833333",
      },
      {
        namespace: "shop",
        meeting: 'review, "big"',
        connectedMinutes: "0.000",
        relayedMinutes: "0.000",
        gigabytes: "0.000000000",
        relayedGigabytes: "0.000000000",
        relayCost: "0.000000001",
      },
      {
        namespace: "shop",
        meeting: "=daily ",
        connectedMinutes: "0.000",
        relayedMinutes: "0.000",
        gigabytes: "0.000000000",
        relayedGigabytes: "0.000000000",
        relayCost: "0.000000000",
      },
    ]);
    const csv = await bill(environment, "--by", "participant", "--format", "csv");
    expect(csv).toEqual({
      code: 0,
      stderr: "",
      stdout: [
        "kind,month,namespace,participant_id,connected_minutes,relayed_minutes,gigabytes,relayed_gigabytes,relay_cost",
        "line,2026-11,shop,ann,1.500,1.000,4503599.627370503,4503599.627370496,0.000833334",
        "line,2026-11,shop,bob,0.500,0.000,1.500000000,0.000000000,0.000000000",
        "line,2026-11,shop,Zoë,0.000,0.000,0.000000000,0.000000000,0.000000000",
        "total,2026-11,,,2.000,1.000,4503601.127370503,4503599.627370496,0.000833334",
        "",
      ].join("\r\n"),
    });
    const table = await bill(environment, "--by", "service");
    expect(table.code).toBe(0);
    expect(table.stdout).toMatch(/shop \/ api \/ production +2\.000 +1\.000 +4503601\.127370503 +\S+ +0\.000833334\n/);
    expect(table.stdout).toContain("received until 2026-11-22T00:00:00Z, and may still grow");
  });

  it("tells tenants apart that use the same ids, and is of one where it is asked for", async () => {
    const environment = await make(fillTenants);
    const lines = async (...args: readonly string[]): Promise<readonly string[]> =>
      (await bill(environment, "--format", "csv", ...args)).stdout.trimEnd().split("\r\n").slice(1);
    const [one, two, three] = ["1.000,0.000,", "2.000,0.000,", "4.000,0.000,"].map((minutes) => minutes + NO_BYTES);
    for (const [by, id] of [
      ["meeting", "daily"],
      ["participant", "ann"],
    ] as const) {
      expect(await lines("--by", by)).toEqual([
        `line,2026-11,,${id},${three}`,
        `line,2026-11,bank,${id},${two}`,
        `line,2026-11,Bank,${id},${one}`,
        `total,2026-11,,,7.000,0.000,${NO_BYTES}`,
      ]);
      expect(await lines("--by", by, "--namespace", "bank")).toEqual([
        `line,2026-11,bank,${id},${two}`,
        `total,2026-11,,,${two}`,
      ]);
      expect(await lines("--by", by, "--namespace", "")).toEqual([
        `line,2026-11,,${id},${three}`,
        `total,2026-11,,,${three}`,
      ]);
    }
    const json = JSON.parse((await bill(environment, "--format", "json", "--namespace", "Bank")).stdout) as object;
    expect(json).toMatchObject({ namespace: "Bank", lines: [{ namespace: "Bank", meeting: "daily" }] });
    const table = (await bill(environment, "--namespace", "bank")).stdout;
    expect(table).toMatch(/^Use of 2026-11 \(UTC\) of namespace "bank", by meeting\./);
    expect(table).toMatch(/^bank \/ daily +2\.000 /m);
  });

  it("is empty for a month without use", async () => {
    const environment = await make();
    const { code, stdout } = await runCommand(["bill", "--month", "2025-01", "--format", "csv"], environment);
    expect(code).toBe(0);
    expect(stdout.split("\r\n")[1]).toBe("total,2025-01,,,0.000,0.000,0.000000000,0.000000000,0.000000000");
  });
});

describe("the command bill", () => {
  it("says what is wrong with its arguments", () => {
    const now = Date.parse("2026-11-26T00:00:00Z");
    const of =
      (...args: readonly string[]) =>
      () =>
        billRequest(args, now);
    expect(of()).toThrow("--month is needed");
    expect(of("--month", "2026-13")).toThrow("expected a year and month");
    expect(of("--month", "2026-12")).toThrow("has not begun");
    expect(of("--month", "2026-11", "--by", "room")).toThrow("--by: expected meeting, participant, service (got room)");
    expect(of("--month", "2026-11", "--format", "xml")).toThrow("--format: expected table, csv, json (got xml)");
    expect(of("--month", "2026-11", "surplus")).toThrow();
  });

  it("exits with 2 for bad arguments and 3 when the totals are out of reach", async () => {
    expect(await runCommand(["bill"], {})).toMatchObject({ code: 2, stdout: "" });
    const nowhere = await runCommand(["bill", "--month", "2026-01"], { DATA_DIR: join(folder, "nowhere") });
    expect(nowhere).toMatchObject({ code: 3, stdout: "", stderr: expect.stringContaining("set DATA_DIR") });
    const refused = await runCommand(["bill", "--month", "2026-01"], { MYSQL_URL: "mysql://a:b@127.0.0.1:1/x" });
    expect(refused).toMatchObject({ code: 3, stdout: "" });
  });
});
