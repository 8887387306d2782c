/** The provisioned rules, evaluated as Grafana does over data that must and data that must not fire. */
import type { Connection } from "mysql2/promise";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { migrateUp } from "../../src/rollup/migrate.ts";
import { mysqlMigrationDatabase } from "../../src/rollup/mysql-migration-database.ts";
import { MysqlRollupStore } from "../../src/rollup/mysql-rollup-store.ts";
import { valueOf } from "../contract/rollup-database.ts";
import { startMariadb } from "../support/mariadb-server.ts";
import { httpSeries, type SeededMinute, SeededTotals, webrtcSeries } from "../support/seeded-totals.ts";
import { TEST_DAY } from "../support/shard-commits.ts";
import type { SqlServer } from "../support/sql-server.ts";
import { expandMacros } from "./expand-query.ts";
import { dashboardOf, RULES, type RuleJson } from "./generated-files.ts";
import { connectAsGrafana, OpenDashboard, queryRows, type Row } from "./open-dashboard.ts";

/** Half a minute past noon. */
const NOW = TEST_DAY + 12 * 3600 + 30;

let server: SqlServer;
const connections: Connection[] = [];
beforeAll(async () => {
  server = await startMariadb();
});
afterAll(async () => {
  for (const connection of connections) await connection.end();
  await server.stop();
});

async function totalsOf(minutes: readonly SeededMinute[], persistedAt = NOW - 5, now = NOW): Promise<Connection> {
  const url = await server.createDatabase();
  valueOf(await migrateUp(mysqlMigrationDatabase({ url }), TEST_DAY));
  const store = new MysqlRollupStore({ url });
  if (persistedAt > 0) await new SeededTotals(store).add(minutes, persistedAt);
  await store.close();
  const connection = await connectAsGrafana(url, now);
  connections.push(connection);
  return connection;
}

/** The last ten minutes of a series, each with the same amounts. */
function lately(
  dimensions: SeededMinute["dimensions"],
  values: SeededMinute["values"],
  latencies: number[] = [],
): SeededMinute[] {
  return Array.from({ length: 10 }, (_, index) => ({ dimensions, atSeconds: NOW - index * 60, values, latencies }));
}

function ruleOf(id: string): RuleJson {
  return RULES.find(({ labels }) => labels["rule"] === id)!;
}

/** What the rule measures and the scopes for which its condition holds; undefined when it has no data. */
async function evaluate(
  connection: Connection,
  id: string,
): Promise<{ readonly firing: readonly Row[]; readonly measured: readonly Row[] } | undefined> {
  const rule = ruleOf(id);
  const answers = new Map<string, readonly Row[]>();
  for (const { refId, relativeTimeRange, model } of rule.data) {
    if (model.rawSql === undefined || relativeTimeRange === undefined) continue;
    const range = { from: NOW - relativeTimeRange.from, to: NOW - relativeTimeRange.to };
    answers.set(refId, await queryRows(connection, expandMacros(model.rawSql, range)));
  }
  expect(rule.data.at(-1)?.model).toMatchObject({ type: "math", expression: "$A > $B" });
  const measured = answers.get("A")!;
  const [threshold] = answers.get("B")!;
  for (const row of measured) {
    // Grafana takes a table whose only number is the value; every text becomes a label.
    const numbers = Object.entries(row).filter(([, value]) => typeof value === "number");
    expect(numbers.map(([name]) => name)).toEqual(["value"]);
  }
  expect(Object.keys(threshold!)).toEqual(["threshold"]);
  if (measured.length === 0) return undefined;
  const limit = Number(threshold!["threshold"]);
  return { firing: measured.filter((row) => Number(row["value"]) > limit), measured };
}

const cart = httpSeries("cart", "/items");
const ann = webrtcSeries("standup", "ann");
const QUALITY = { quality_good_seconds: 60_000, connected_seconds: 60_000 };

/** Data that must fire, and such that must not, by rule. */
const CASES: Readonly<Record<string, { readonly fires: SeededMinute[]; readonly quiet: SeededMinute[] }>> = {
  "http-latency-p95": {
    fires: lately(cart, {}, [...Array<number>(18).fill(0.01), 0.4, 0.4]),
    quiet: lately(cart, {}, [...Array<number>(19).fill(0.28), 0.9]),
  },
  "http-error-ratio": {
    fires: [
      ...lately(cart, {}, Array<number>(94).fill(0.01)),
      ...lately(
        httpSeries("cart", "/items", { statusCode: 500 }),
        { latency_error_count: 6 },
        Array<number>(6).fill(0.01),
      ),
    ],
    quiet: [
      ...lately(cart, {}, Array<number>(96).fill(0.01)),
      ...lately(
        httpSeries("cart", "/items", { statusCode: 500 }),
        { latency_error_count: 4 },
        Array<number>(4).fill(0.01),
      ),
    ],
  },
  "webrtc-poor-quality": {
    fires: lately(ann, { connected_seconds: 60_000, quality_good_seconds: 47_000, quality_poor_seconds: 13_000 }),
    quiet: lately(ann, { connected_seconds: 60_000, quality_good_seconds: 49_000, quality_poor_seconds: 11_000 }),
  },
  "webrtc-packet-loss": {
    fires: lately(ann, { packets_in: 1000, packets_out: 1000, packets_lost_out: 60 }),
    quiet: lately(ann, { packets_in: 1000, packets_lost_in: 50, packets_out: 1000, packets_lost_out: 40 }),
  },
  "turn-cost": {
    fires: lately(ann, { ...QUALITY, relay_seconds: 60_000, relay_cost_nanos: 17_000_000 }),
    quiet: lately(ann, { ...QUALITY, relay_seconds: 60_000, relay_cost_nanos: 16_000_000 }),
  },
  "turn-in-use": {
    fires: lately(ann, { ...QUALITY, relay_seconds: 60_000 }),
    quiet: lately(ann, QUALITY),
  },
};

describe("a rule", () => {
  it.each(Object.keys(CASES))("%s fires over data that must fire, and names the scope", async (id) => {
    const result = await evaluate(await totalsOf(CASES[id]!.fires), id);
    expect(result?.firing).toHaveLength(1);
    const labels = Object.keys(result!.firing[0]!).filter((name) => name !== "value");
    const text = ruleOf(id).annotations["description"]!;
    for (const label of labels) expect(text).toContain(`.Labels.${label} `);
  });

  it.each(Object.keys(CASES))("%s keeps still over data that must not fire", async (id) => {
    const result = await evaluate(await totalsOf(CASES[id]!.quiet), id);
    expect(result?.measured.length).toBeGreaterThan(0);
    expect(result?.firing).toEqual([]);
  });

  it.each(Object.keys(CASES))("%s has no data where nothing was stored", async (id) => {
    expect(await evaluate(await totalsOf([]), id)).toBeUndefined();
  });

  it.each(Object.keys(CASES))("%s says nothing of the time before its window", async (id) => {
    const old = CASES[id]!.fires.map((minute) => ({ ...minute, atSeconds: minute.atSeconds - 3600 }));
    expect((await evaluate(await totalsOf(old), id))?.firing ?? []).toEqual([]);
  });

  it("is not broken by a few requests", async () => {
    const few = lately(cart, {}, [1, 1]);
    expect(await evaluate(await totalsOf(few), "http-latency-p95")).toBeUndefined();
  });

  it("takes the threshold that the receiver has written", async () => {
    const connection = await totalsOf(CASES["http-latency-p95"]!.fires);
    expect((await evaluate(connection, "http-latency-p95"))?.firing).toHaveLength(1);
    await connection.query(
      "INSERT INTO alert_thresholds (rule, threshold, updated_at) VALUES ('http-latency-p95', 500, 0)",
    );
    expect((await evaluate(connection, "http-latency-p95"))?.firing).toEqual([]);
  });
});

describe("the freshness rule", () => {
  it("keeps still while totals are persisted, though nothing comes", async () => {
    const result = await evaluate(await totalsOf([]), "receiver-freshness");
    expect(result?.measured).toEqual([{ value: 5 }]);
    expect(result?.firing).toEqual([]);
  });

  it("fires when nothing was persisted for more than three intervals", async () => {
    expect((await evaluate(await totalsOf([], NOW - 181), "receiver-freshness"))?.firing).toEqual([{ value: 181 }]);
  });

  it("has no data before a receiver has started, and fires by that", async () => {
    expect(await evaluate(await totalsOf([], 0), "receiver-freshness")).toBeUndefined();
    expect(ruleOf("receiver-freshness")).toMatchObject({ noDataState: "Alerting", execErrState: "Alerting" });
  });
});

describe("the dashboard of alerts", () => {
  it("shows each rule's value against its threshold", async () => {
    const connection = await totalsOf([...CASES["http-latency-p95"]!.fires, ...CASES["turn-cost"]!.quiet]);
    const opened = await OpenDashboard.open(dashboardOf("bandwidth-alerts"), connection, { from: NOW - 3600, to: NOW });
    const rows = await opened.rows("Values against thresholds");
    const row = (rule: string): Row | undefined => rows.find((candidate) => candidate["Rule"] === rule);
    expect(row("HTTP p95 latency")).toMatchObject({
      Scope: "shop / cart / prod",
      Threshold: "300 ms",
      State: "broken",
    });
    expect(Number(row("HTTP p95 latency")?.["Of threshold"])).toBeGreaterThan(1.3);
    expect(row("TURN relay cost")).toMatchObject({ Value: "0.96 an hour", Threshold: "1.00 an hour", State: "kept" });
    expect(row("HTTP error ratio")).toMatchObject({ Value: "0.0 %", Threshold: "5.0 %", State: "kept" });
  });

  it("counts and lists what the receiver found firing", async () => {
    const connection = await totalsOf([]);
    const add = (
      rule: string,
      severity: string,
      [value, threshold]: readonly [number, number],
      started: number,
      resolved: number | null,
    ): Promise<unknown> =>
      connection.query(
        "INSERT INTO bandwidth_alerts (rule, scope, started_at, protocol, severity, value, threshold, resolved_at) VALUES (?, 'cart', ?, 'http', ?, ?, ?, ?)",
        [rule, started, severity, value, threshold, resolved],
      );
    await add("http-latency-p95", "warning", [400, 300], NOW - 600, null);
    await add("http-error-ratio", "critical", [0.081, 0.05], NOW - 900, NOW - 300);
    await add("http-error-ratio", "critical", [0.081, 0.05], NOW - 9000, NOW - 8000);
    await add("of-a-newer-receiver", "info", [7.5, 2], NOW - 1200, null);
    const opened = await OpenDashboard.open(dashboardOf("bandwidth-alerts"), connection, { from: NOW - 3600, to: NOW });
    expect([await opened.number("Firing"), await opened.number("Critical"), await opened.number("Warnings")]).toEqual([
      2, 0, 1,
    ]);
    expect(await opened.rows("Alerts of the time range")).toMatchObject([
      { State: "firing", Rule: "HTTP p95 latency", "Worst value": "400 ms", Threshold: "300 ms", Lasted: 600, Resolved: null },
      { State: "resolved", Rule: "HTTP error ratio", "Worst value": "8.1 %", Threshold: "5.0 %", Lasted: 600, Resolved: (NOW - 300) * 1000 },
      { State: "firing", Rule: "of-a-newer-receiver", "Worst value": "7.5", Threshold: "2", Lasted: 1200, Resolved: null },
    ]);
  });
});
