/** Every query of every panel and variable, run as Grafana runs it on a real database: its numbers are those that were stored. */
import type { Connection } from "mysql2/promise";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { ReceiverCounts } from "../../src/model/rollup-store.ts";
import { migrateUp } from "../../src/rollup/migrate.ts";
import { mysqlMigrationDatabase } from "../../src/rollup/mysql-migration-database.ts";
import { MysqlRollupStore } from "../../src/rollup/mysql-rollup-store.ts";
import { valueOf } from "../contract/rollup-database.ts";
import { startMariadb } from "../support/mariadb-server.ts";
import { overflowDimensions } from "../../src/model/dimensions.ts";
import { httpSeries, type SeededMinute, SeededTotals, webrtcSeries } from "../support/seeded-totals.ts";
import { TEST_DAY } from "../support/shard-commits.ts";
import type { SqlServer } from "../support/sql-server.ts";
import { DASHBOARDS, dashboardOf } from "./generated-files.ts";
import { type Choices, connectAsGrafana, OpenDashboard, queryRows, type Row } from "./open-dashboard.ts";

/** Noon: what is stored lies in the two hours before. */
const NOW = TEST_DAY + 12 * 3600;
const START = NOW - 2 * 3600;

/** A name that must be quoted. */
const QUOTED = "o'brien";

const RANGES = {
  hour: { from: NOW - 3600, to: NOW },
  day: { from: NOW - 86_400, to: NOW },
  week: { from: NOW - 7 * 86_400, to: NOW },
  quarter: { from: NOW - 90 * 86_400, to: NOW },
} as const;

let server: SqlServer;
let full: Connection;
let empty: Connection;
const minutes: SeededMinute[] = [];

beforeAll(async () => {
  server = await startMariadb();
  full = await newDatabase(async (store) => {
    minutes.push(...http(), ...webrtc());
    await new SeededTotals(store).add(minutes, NOW, receiverMinutes());
  });
  empty = await newDatabase(async () => undefined);
});
afterAll(async () => {
  await full.end();
  await empty.end();
  await server.stop();
});

async function newDatabase(fill: (store: MysqlRollupStore) => Promise<void>): Promise<Connection> {
  const url = await server.createDatabase();
  valueOf(await migrateUp(mysqlMigrationDatabase({ url }), START - 600));
  const store = new MysqlRollupStore({ url });
  await fill(store);
  await store.close();
  return await connectAsGrafana(url, NOW);
}

/** Numbers between 0 and 1 that are the same in every run. */
function* fractions(): Generator<number, never> {
  let state = 12_345;
  for (;;) {
    state = (state * 1_103_515_245 + 12_345) % 2 ** 31;
    yield state / 2 ** 31;
  }
}
const random = fractions();
const next = (): number => random.next().value;

function http(): SeededMinute[] {
  const series = [
    httpSeries("cart", "/items"),
    httpSeries("cart", "/items", { statusCode: 404 }),
    httpSeries("cart", "/items", { statusCode: 503 }),
    httpSeries("cart", "/total", { method: "POST" }),
    httpSeries(QUOTED, "/users/:id", { environment: "" }),
    httpSeries("cart", "/items", { side: "client", statusCode: 200 }),
    overflowDimensions(0, "http", "client", "noisy"),
  ];
  return series.flatMap((dimensions) =>
    everyMinute().map((atSeconds) => {
      // A spread from some milliseconds to about half a second.
      const latencies = Array.from({ length: 3 + Math.floor(next() * 20) }, () => 0.004 * 2 ** (7 * next()));
      const count = latencies.length;
      const errors = dimensions.statusCode >= 500 ? count : 0;
      return {
        dimensions,
        atSeconds,
        latencies,
        values: {
          latency_error_count: errors,
          request_body_count: count - 1,
          bytes_in: Math.floor(next() * 1e6),
          bytes_out: Math.floor(next() * 1e7),
          wire_bytes_in: 2000,
          wire_bytes_out: 3000,
          connection_bytes_in: 5000,
          connection_bytes_out: 6000,
        },
      };
    }),
  );
}

function webrtc(): SeededMinute[] {
  const people = [webrtcSeries("standup", "ann"), webrtcSeries("standup", "ben"), webrtcSeries("review", "cho")];
  return people.flatMap((dimensions, index) =>
    everyMinute().map((atSeconds) => ({
      dimensions,
      atSeconds,
      latencies: Array.from({ length: 10 }, () => 0.02 * 2 ** (4 * next())),
      values: {
        bytes_in: 600_000,
        bytes_out: 120_000,
        connected_seconds: 60_000,
        relay_seconds: index === 1 ? 60_000 : 0,
        relay_cost_nanos: index === 1 ? 5_000_000 : 0,
        packets_in: 1000,
        packets_out: 500,
        packets_lost_in: 10 * index,
        packets_lost_out: 1,
        jitter_count: 4,
        jitter_sum_seconds: 0.02,
        freeze_seconds: 600,
        frames: 1800,
        frames_dropped: 18,
        quality_good_seconds: 45_000,
        quality_poor_seconds: index === 2 ? 10_000 : 0,
        quality_unknown_seconds: 5000,
      },
    })),
  );
}

function everyMinute(): number[] {
  return Array.from({ length: (NOW - START) / 60 }, (_, index) => START + index * 60);
}

function receiverMinutes(): Record<number, Partial<ReceiverCounts>> {
  const stores = { lagMillis: 5000, entries: 2, commits: 1, commitMicros: 40_000, logCalls: 4, logMicros: 6000 };
  return Object.fromEntries(everyMinute().map((at) => [at, { points: 1000, pointsRefused: 2, ...stores }]));
}

function open(uid: string, range: keyof typeof RANGES, choices: Choices = {}): Promise<OpenDashboard> {
  return OpenDashboard.open(dashboardOf(uid), full, RANGES[range], choices);
}

/** What was stored of a protocol and range, seen by a server or from a participant. */
function stored(range: keyof typeof RANGES, which: (minute: SeededMinute) => boolean): SeededMinute[] {
  const { from, to } = RANGES[range];
  return minutes.filter((minute) => minute.atSeconds >= from && minute.atSeconds <= to && which(minute));
}
const isServer = ({ dimensions }: SeededMinute): boolean =>
  dimensions.protocol === "http" && dimensions.side === "server";
const isMeeting = ({ dimensions }: SeededMinute): boolean => dimensions.protocol === "webrtc";

function sum(list: readonly SeededMinute[], name: string): number {
  return list.reduce((total, { values }) => total + (values[name] ?? 0), 0);
}

function requests(list: readonly SeededMinute[]): number {
  return list.reduce((total, { latencies = [] }) => total + latencies.length, 0);
}

/** The nearest-rank percentile of the samples themselves, milliseconds. */
function percentile(list: readonly SeededMinute[], share: number): number {
  const all = list.flatMap(({ latencies = [] }) => latencies).sort((a, b) => a - b);
  return all[Math.ceil(share * all.length) - 1]! * 1000;
}

function column(rows: readonly Row[], name: string): number[] {
  return rows.map((row) => Number(row[name]));
}

function added(rows: readonly Row[], name: string): number {
  return column(rows, name).reduce((total, value) => total + value, 0);
}

describe("every query", () => {
  const cases = DASHBOARDS.flatMap(({ uid }) =>
    (Object.keys(RANGES) as (keyof typeof RANGES)[]).flatMap((range) => [
      [uid, range, "everything", {}] as const,
      [
        uid,
        range,
        "choices",
        { service: ["cart", QUOTED], environment: ["prod", ""], route: ["/items"], meeting: ["standup"] },
      ] as const,
    ]),
  );

  it.each(cases)("of %s over the %s of %s has rows where something was stored", async (uid, range, what, choices) => {
    const dashboard = dashboardOf(uid);
    const opened = await open(uid, range, choices);
    const webrtcWithoutService = what === "choices";
    for (const panel of dashboard.panels) {
      for (const target of panel.targets ?? []) {
        const rows = await queryRows(full, opened.sql(target));
        const fewer = (webrtcWithoutService && /webrtc/.test(target.rawSql)) || /bandwidth_alerts/.test(target.rawSql);
        if (!fewer) expect(rows.length, panel.title).toBeGreaterThan(0);
        if (target.format !== "time_series") continue;
        const times = column(rows, "time");
        expect(times, panel.title).toEqual([...new Set(times)].sort((a, b) => a - b));
        // A step that Grafana does not expect would be lost when it fills gaps.
        const step = Number(
          /__unixEpochGroup\(bucket_start, \$\{(\w+)\}/.exec(target.rawSql)?.[1] === "latency_step"
            ? opened.value("latency_step")
            : opened.value("step"),
        );
        for (const time of times) expect(time % step, panel.title).toBe(0);
      }
    }
  });

  it.each(DASHBOARDS.map(({ uid }) => uid))("of %s meets no error in an empty database", async (uid) => {
    const dashboard = dashboardOf(uid);
    const opened = await OpenDashboard.open(dashboard, empty, RANGES.hour);
    for (const panel of dashboard.panels) {
      for (const target of panel.targets ?? []) {
        const rows = await queryRows(empty, opened.sql(target));
        if (panel.type === "stat") expect(rows, panel.title).toHaveLength(1);
      }
    }
    for (const variable of dashboard.templating?.list ?? []) {
      expect(opened.variables.get(variable.name)?.value, variable.name).toBeTruthy();
    }
  });
});

describe("the time range", () => {
  it.each([
    ["hour", "minute", "60"],
    ["day", "minute", "300"],
    ["week", "hourly", "3600"],
    ["quarter", "daily", "86400"],
  ] as const)("of a %s reads the table %s in steps of %s s", async (range, table, step) => {
    const opened = await open("bandwidth-http", range);
    expect([opened.value("granularity"), opened.value("step")]).toEqual([table, step]);
  });

  it("that begins before minutes are kept reads hours", async () => {
    const range = { from: NOW - 50 * 3600, to: NOW - 49 * 3600 };
    const opened = await OpenDashboard.open(dashboardOf("bandwidth-http"), full, range);
    expect(opened.value("granularity")).toBe("hourly");
  });

  it.each(["day", "week", "quarter"] as const)("of a %s has the same totals", async (range) => {
    const opened = await open("bandwidth-http", range);
    const all = minutes.filter(isServer);
    expect(await opened.number("Received")).toBe(sum(all, "bytes_in"));
    expect(await opened.number("Sent")).toBe(sum(all, "bytes_out"));
    const samples = percentile(all, 0.95);
    expect(Math.abs((await opened.number("p95"))! - samples)).toBeLessThan(0.012 * samples);
  });
});

describe("HTTP", () => {
  it.each(["bandwidth-overview", "bandwidth-http"])("%s sums up what servers counted in the range", async (uid) => {
    const opened = await open(uid, "hour");
    const seen = stored("hour", isServer);
    const prefix = uid === "bandwidth-overview" ? "HTTP " : "";
    const title = (name: string): string => (prefix === "" ? name[0]!.toUpperCase() + name.slice(1) : prefix + name);
    expect(await opened.number(title("received"))).toBe(sum(seen, "bytes_in"));
    expect(await opened.number(title("sent"))).toBe(sum(seen, "bytes_out"));
    expect(await opened.number("Requests")).toBeCloseTo(requests(seen) / 3600, 3);
    expect(await opened.number("Failed")).toBeCloseTo(sum(seen, "latency_error_count") / requests(seen), 3);
  });

  it("counts requests a second over the part of the range that has totals", async () => {
    const opened = await open("bandwidth-http", "day");
    const covered = NOW - (START - 600);
    expect(await opened.number("Requests")).toBeCloseTo(requests(stored("day", isServer)) / covered, 3);
  });

  it("draws rates whose sum is the total", async () => {
    const opened = await open("bandwidth-http", "day");
    const seen = stored("day", isServer);
    const traffic = await opened.rows("Bandwidth");
    expect(added(traffic, "Received") * 300).toBeCloseTo(sum(seen, "bytes_in"), -2);
    expect(added(traffic, "Sent") * 300).toBeCloseTo(sum(seen, "bytes_out"), -2);
    const statuses = await opened.rows("Requests by status");
    const of = (low: number): SeededMinute[] =>
      seen.filter(({ dimensions }) => Math.floor(dimensions.statusCode / 100) === low);
    for (const low of [2, 4, 5]) expect(added(statuses, `${low}xx`) * 300).toBeCloseTo(requests(of(low)), -1);
    expect(added(statuses, "3xx") + added(statuses, "other")).toBe(0);
    expect(added(await opened.rows("Whole messages"), "Sent") * 300).toBeCloseTo(seen.length * 3000, -1);
    expect(added(await opened.rows("Sockets"), "Received") * 300).toBeCloseTo(seen.length * 5000, -1);
  });

  it("reads percentiles within 5 ms of the samples, up to 300 ms", async () => {
    const opened = await open("bandwidth-http", "hour");
    const rows = await opened.rows("Latency");
    expect(rows.length).toBe(60);
    let compared = 0;
    for (const row of rows) {
      const minute = minutes.filter((candidate) => isServer(candidate) && candidate.atSeconds === row["time"]);
      for (const share of [0.5, 0.95, 0.99]) {
        const samples = percentile(minute, share);
        if (samples > 300) continue;
        compared += 1;
        expect(Math.abs(Number(row[`p${share * 100}`]) - samples)).toBeLessThan(5);
      }
      expect(row["Alert threshold"]).toBe(300);
    }
    expect(compared).toBeGreaterThan(60);
  });

  it("shows one route alone, also its percentiles", async () => {
    const opened = await open("bandwidth-http", "hour", { route: ["/total"] });
    const seen = stored("hour", (minute) => isServer(minute) && minute.dimensions.route === "/total");
    expect(opened.value("latency_source")).toContain("metrics_minute");
    expect(await opened.number("Sent")).toBe(sum(seen, "bytes_out"));
    const samples = percentile(seen, 0.95);
    expect(Math.abs((await opened.number("p95"))! - samples)).toBeLessThan(0.012 * samples);
  });

  it("shows a service whose name has a quote, and none whose environment is another", async () => {
    const seen = stored("hour", (minute) => minute.dimensions.service === QUOTED);
    const opened = await open("bandwidth-http", "hour", { service: [QUOTED] });
    expect(await opened.number("Sent")).toBe(sum(seen, "bytes_out"));
    const none = await open("bandwidth-http", "hour", { service: [QUOTED], environment: ["prod"] });
    expect(await none.number("Sent")).toBeNull();
    expect(
      (await open("bandwidth-http", "hour", { service: [QUOTED], environment: [""] })).variables.size,
    ).toBeGreaterThan(0);
  });

  it("lists the endpoints with the most bytes, with the percentile of each", async () => {
    const rows = await (await open("bandwidth-http", "hour")).rows("Endpoints with the most bytes");
    expect(rows.map(({ Service, Method, Route }) => [Service, Method, Route])).toHaveLength(3);
    for (const row of rows) {
      const { Service, Method, Route } = row;
      const same = ({ dimensions: d }: SeededMinute): boolean =>
        d.service === Service && d.method === Method && d.route === Route;
      const seen = stored("hour", (minute) => isServer(minute) && same(minute));
      expect(row["Received"]).toBe(sum(seen, "bytes_in"));
      expect(row["Sent"]).toBe(sum(seen, "bytes_out"));
      expect(row["Requests"]).toBe(requests(seen));
      expect(row["Requests/s"]).toBeCloseTo(requests(seen) / 3600, 3);
      expect(row["Failed"]).toBeCloseTo(sum(seen, "latency_error_count") / requests(seen), 3);
      const samples = percentile(seen, 0.95);
      expect(Math.abs(Number(row["p95"]) - samples)).toBeLessThan(0.012 * samples);
    }
  });
});

describe("WebRTC", () => {
  it("answers with what meetings did in the range", async () => {
    const opened = await open("bandwidth-webrtc", "hour");
    const seen = stored("hour", isMeeting);
    expect(await opened.number("Meetings now")).toBe(2);
    expect(await opened.number("People now")).toBe(3);
    const assessed = sum(seen, "quality_good_seconds") + sum(seen, "quality_poor_seconds");
    expect(await opened.number("Poor quality")).toBeCloseTo(sum(seen, "quality_poor_seconds") / assessed, 4);
    expect(await opened.number("Relayed")).toBeCloseTo(1 / 3, 4);
    const lostIn = sum(seen, "packets_lost_in");
    expect(await opened.number("Packet loss")).toBeCloseTo(lostIn / (sum(seen, "packets_in") + lostIn), 4);
    expect(await opened.number("Cost in range")).toBeCloseTo(sum(seen, "relay_cost_nanos") / 1e9, 6);
    expect(await opened.number("Cost today")).toBeCloseTo(sum(minutes, "relay_cost_nanos") / 1e9, 6);
    const samples = percentile(seen, 0.95);
    expect(Math.abs((await opened.number("Round trip p95"))! - samples)).toBeLessThan(0.012 * samples);
  });

  it("draws meetings, quality, relay and cost", async () => {
    const opened = await open("bandwidth-webrtc", "hour");
    const [people] = await opened.rows("Meetings and participants");
    expect(people).toMatchObject({ Meetings: 2, Participants: 3 });
    const [quality] = await opened.rows("Quality");
    expect(quality).toMatchObject({ Excellent: 0, Good: 2.25, Unknown: 0.25 });
    expect(quality?.["Poor"]).toBeCloseTo(10 / 60, 6);
    const [path] = await opened.rows("Participants by path");
    expect(path).toMatchObject({ Relayed: 1, Direct: 2 });
    const [cost] = await opened.rows("TURN cost an hour");
    expect(cost).toMatchObject({ "Cost an hour": 0.3, "Alert threshold": 1 });
    const [loss] = await opened.rows("Packet loss each way");
    expect(Number(loss?.["Received"])).toBeCloseTo(30 / 3030, 4);
    expect(Number(loss?.["Sent"])).toBeCloseTo(3 / 1500, 4);
    expect(Number((await opened.rows("Jitter"))[0]?.["Jitter"])).toBeCloseTo(5, 6);
    expect((await opened.rows("Video"))[0]).toMatchObject({ "Time frozen": 0.01, "Frames dropped": 0.01 });
  });

  it("puts every round trip in one cell of the heatmap, the right one", async () => {
    const rows = await (await open("bandwidth-webrtc", "hour")).rows("Round trips");
    const seen = stored("hour", isMeeting).flatMap(({ latencies = [] }) => latencies);
    const names = Object.keys(rows[0]!).filter((name) => name !== "time");
    expect(names.reduce((total, name) => total + added(rows, name), 0)).toBe(seen.length);
    const within = (low: number, high: number): number => seen.filter((s) => s * 1000 > low && s * 1000 <= high).length;
    // The bounds of stored buckets lie up to 1.1 % beside those of the rows.
    expect(Math.abs(added(rows, "20–40 ms") - within(20, 40))).toBeLessThan(0.03 * seen.length);
    expect(Math.abs(added(rows, "80–160 ms") - within(80, 160))).toBeLessThan(0.03 * seen.length);
  });

  it("lists meetings and participants, and shows one meeting alone", async () => {
    const opened = await open("bandwidth-webrtc", "hour");
    const meetings = await opened.rows("Meetings");
    expect(meetings.map(({ Meeting, Participants }) => [Meeting, Participants])).toEqual([
      ["standup", 2],
      ["review", 1],
    ]);
    expect(meetings[0]).toMatchObject({ Connected: 2, Relayed: 0.5, Bytes: 2 * 60 * 720_000 });
    expect(meetings[0]?.["TURN cost"]).toBeCloseTo(0.3, 6);
    expect(meetings[1]?.["Poor quality"]).toBeCloseTo(10 / 55, 4);
    const participants = await opened.rows("Participants");
    expect(new Set(participants.map(({ Participant }) => Participant))).toEqual(new Set(["ann", "ben", "cho"]));
    const alone = await open("bandwidth-webrtc", "hour", { meeting: ["review"] });
    expect(await alone.number("Relayed")).toBe(0);
    const cho = stored("hour", ({ dimensions }) => dimensions.participantId === "cho");
    const samples = percentile(cho, 0.95);
    expect(Math.abs((await alone.number("Round trip p95"))! - samples)).toBeLessThan(0.012 * samples);
  });
});

describe("the receiver's row", () => {
  it("shows how fresh the totals are, what was counted and what was refused", async () => {
    const opened = await open("bandwidth-overview", "hour");
    expect(await opened.number("Totals are behind by")).toBe(0);
    expect((await opened.rows("Data points a minute"))[0]).toMatchObject({ Counted: 1000, Repeated: 0 });
    expect((await opened.rows("Not counted as sent, a minute"))[0]).toMatchObject({ Refused: 2, Faulty: 0 });
    expect((await opened.rows("Times of the stores"))[0]).toMatchObject({
      "Until folded": 2500,
      "SQL commit": 40,
      "Log call": 1.5,
      "Live update": null,
    });
    const [writes] = await opened.rows("What keeping totals costs, a minute");
    expect(writes?.["Rows stored"]).toBe(10);
    expect(await opened.rows("Tenants with more series than they may have")).toMatchObject([{ Tenant: "noisy" }]);
    expect(await opened.rows("Shards")).toMatchObject([{ Shard: 0, Behind: 0, Commits: 1 }]);
    expect(await opened.number("In quarantine")).toBe(0);
  });
});
