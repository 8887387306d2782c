/** What rules measure of totals that the store has written itself, run on each engine. */
import { readFileSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { AlertEvaluator } from "../../src/alerts/alert-evaluator.ts";
import { ALERT_RULES, DEFAULT_ALERT_SETTINGS } from "../../src/alerts/alert-rules.ts";
import { alertTimes } from "../../src/alerts/alert-times.ts";
import type { AlertMeasurement } from "../../src/model/alert-store.ts";
import { type SeriesDimensions, seriesId } from "../../src/model/dimensions.ts";
import { latencyIndex, percentile } from "../../src/model/latency-histogram.ts";
import type { ShardCommit } from "../../src/model/rollup-store.ts";
import { migrateUp } from "../../src/rollup/migrate.ts";
import { MAX_RESOLVED_ALERTS } from "../../src/rollup/retention.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { rollupValues, routeDimensions, shardCommit, TEST_DAY } from "../support/shard-commits.ts";
import { type EngineStore, type RollupDatabase, valueOf } from "./rollup-database.ts";

/** The start of the window that an evaluation at {@link NOW} looks at: five whole minutes, one minute back. */
const FROM = TEST_DAY + 3600;
const NOW = FROM + 300 + 60 + 17;

const cart: SeriesDimensions = { ...routeDimensions("/cart"), environment: "prod" };
const meeting: SeriesDimensions = {
  ...routeDimensions(""),
  protocol: "webrtc",
  namespace: "",
  service: "",
  environment: "",
  side: "client",
  method: "",
  statusCode: 0,
  meetingId: "standup",
  participantId: "p1",
};

type Named = Readonly<Record<string, number>>;

/** A commit of one minute's amounts by series, and of durations in seconds by service. */
function minute(
  bucketStart: number,
  amounts: readonly (readonly [SeriesDimensions, Named])[],
  durations: readonly (readonly [SeriesDimensions, readonly number[]])[] = [],
): Partial<ShardCommit> {
  return {
    series: amounts.map(([dimensions]) => ({ seriesId: seriesId(dimensions), dimensions })),
    rollups: {
      minute: amounts.map(([dimensions, named]) => ({
        seriesId: seriesId(dimensions),
        bucketStart,
        values: rollupValues(named),
        carry: [],
        latency: new Map(),
      })),
      hourly: [],
      daily: [],
    },
    latencies: {
      minute: durations.map(([dimensions, seconds], shard) => ({
        key: { ...dimensions, shard },
        bucketStart,
        count: seconds.length,
        sumSeconds: seconds.reduce((sum, one) => sum + one, 0),
        latency: histogramOf(seconds),
      })),
      hourly: [],
    },
  };
}

function histogramOf(seconds: readonly number[]): Map<number, number> {
  const histogram = new Map<number, number>();
  for (const one of seconds) histogram.set(latencyIndex(one), (histogram.get(latencyIndex(one)) ?? 0) + 1);
  return histogram;
}

const times = (count: number, seconds: number): readonly number[] => Array<number>(count).fill(seconds);

/** Runs the promises about measurements against an engine. */
export function describeAlertMeasurements(engine: string, makeDatabase: () => Promise<RollupDatabase>): void {
  describe(`what rules measure in ${engine}`, () => {
    let database: RollupDatabase;
    let store: EngineStore;
    let commits = 0;

    beforeEach(async () => {
      database = await makeDatabase();
      valueOf(await migrateUp(database.migrations(), TEST_DAY));
      store = await database.openStore();
      valueOf(await store.offset(0));
      commits = 0;
    });
    afterEach(async () => await database.remove());

    const commit = async (changes: Partial<ShardCommit>): Promise<void> => {
      valueOf(await store.commit(shardCommit(`${commits}-0`, `${commits + 1}-0`, changes)));
      commits += 1;
    };
    const measure = async (id: string, nowSeconds = NOW, limit = 100): Promise<readonly AlertMeasurement[]> => {
      const rule = ALERT_RULES.find((one) => one.id === id)!;
      const found = await store.alerts.measure(rule, alertTimes(rule, DEFAULT_ALERT_SETTINGS, nowSeconds), limit);
      return valueOf(found);
    };

    it("is nothing where there is nothing, but for the receivers themselves", async () => {
      for (const { id } of ALERT_RULES.filter(({ unasked }) => unasked === "nothing")) {
        expect(await measure(id), id).toEqual([]);
      }
    });

    it("http-latency-p95 is that of all of a service's shards and minutes, as percentiles are read", async () => {
      await commit(
        minute(
          FROM,
          [],
          [
            [cart, times(60, 0.1)],
            [cart, times(34, 0.2)],
          ],
        ),
      );
      await commit(minute(FROM + 240, [], [[cart, times(6, 0.35)]]));
      const all = histogramOf([...times(60, 0.1), ...times(34, 0.2), ...times(6, 0.35)]);
      const [found, ...others] = await measure("http-latency-p95");
      expect(others).toEqual([]);
      expect(found).toMatchObject({ scopeValues: ["shop", "cart", "prod"], samples: 100 });
      expect(found!.value).toBeCloseTo(1000 * percentile(all, 0.95)!, 6);
      expect(found!.value).toBeGreaterThan(300);
    });

    it("http-latency-p95 is below the limit when less than one request in twenty is slow, and 0 for no time", async () => {
      const instant = { ...cart, service: "instant" };
      const client = { ...cart, side: "client" as const };
      const slow = [...times(95, 0.1), ...times(5, 2)];
      await commit(
        minute(
          FROM,
          [],
          [
            [cart, slow],
            [instant, times(50, 0)],
            [client, times(500, 3)],
          ],
        ),
      );
      const found = await measure("http-latency-p95");
      expect(found.map(({ scopeValues }) => scopeValues[1])).toEqual(["cart", "instant"]);
      expect(found[0]!.value).toBeCloseTo(100, -1);
      expect(found[1]!.value).toBe(0);
    });

    it("http-error-ratio is failed requests of a service by all of them, on the server's side", async () => {
      const failed = { ...cart, statusCode: 500 };
      const client = { ...failed, side: "client" as const };
      await commit(
        minute(FROM, [
          [cart, { latency_count: 93, request_body_count: 90 }],
          [failed, { latency_count: 7, latency_error_count: 7 }],
          [client, { latency_count: 900, latency_error_count: 900 }],
          [
            { ...cart, environment: "test" },
            { latency_count: 200, latency_error_count: 10 },
          ],
        ]),
      );
      expect(await measure("http-error-ratio")).toEqual([
        { scopeValues: ["shop", "cart", "prod"], value: 0.07, samples: 100 },
        { scopeValues: ["shop", "cart", "test"], value: 0.05, samples: 200 },
      ]);
    });

    it("too few samples say nothing", async () => {
      await commit(
        minute(
          FROM,
          [
            [cart, { latency_count: 49, latency_error_count: 49 }],
            [
              meeting,
              { quality_poor_seconds: 59_000, connected_seconds: 9000, relay_seconds: 9000, packets_lost_in: 999 },
            ],
          ],
          [[cart, times(49, 9)]],
        ),
      );
      for (const { id } of ALERT_RULES.filter(({ unasked }) => unasked === "nothing")) {
        expect(await measure(id), id).toEqual([]);
      }
    });

    it("looks at whole minutes that every shard has had the time to persist", async () => {
      const errors = { latency_count: 100, latency_error_count: 100 };
      const outside = { latency_count: 100 };
      await commit(minute(FROM, [[cart, errors]]));
      await commit(minute(FROM + 240, [[cart, errors]]));
      await commit(minute(FROM - 60, [[cart, outside]]));
      await commit(minute(FROM + 300, [[cart, outside]]));
      expect(await measure("http-error-ratio")).toMatchObject([{ value: 1, samples: 200 }]);
      expect(await measure("http-error-ratio", NOW - 60)).toMatchObject([{ value: 0.5, samples: 200 }]);
    });

    it("webrtc-poor-quality is poor time of a meeting by its time of known quality", async () => {
      const other = { ...meeting, participantId: "p2" };
      await commit(
        minute(FROM, [
          [meeting, { quality_poor_seconds: 30_000, quality_good_seconds: 60_000, quality_unknown_seconds: 900_000 }],
          [other, { quality_poor_seconds: 10_000, quality_excellent_seconds: 50_000, quality_fair_seconds: 10_000 }],
          [
            { ...meeting, meetingId: "fine" },
            { quality_poor_seconds: 12_000, quality_good_seconds: 48_000 },
          ],
        ]),
      );
      expect(await measure("webrtc-poor-quality")).toEqual([
        { scopeValues: ["", "standup"], value: 0.25, samples: 160 },
        { scopeValues: ["", "fine"], value: 0.2, samples: 60 },
      ]);
    });

    it("tells two tenants' meetings of one id apart", async () => {
      const lossy = { packets_in: 1000, packets_lost_in: 1000, quality_poor_seconds: 60_000 };
      const sound = { packets_in: 4000, quality_good_seconds: 240_000 };
      await commit(
        minute(FROM, [
          [{ ...meeting, namespace: "shop" }, lossy],
          [{ ...meeting, namespace: "bank" }, sound],
        ]),
      );
      const found = [
        { scopeValues: ["shop", "standup"], value: 1, samples: 60 },
        { scopeValues: ["bank", "standup"], value: 0, samples: 240 },
      ];
      expect(await measure("webrtc-poor-quality")).toEqual(found);
      const lost = (await measure("webrtc-packet-loss")).map(({ scopeValues, value }) => [scopeValues, value]);
      expect(lost).toEqual([
        [["shop", "standup"], 0.5],
        [["bank", "standup"], 0],
      ]);
    });

    it("webrtc-packet-loss is the worse direction of a meeting, if it has packets enough", async () => {
      const out = { ...meeting, meetingId: "out" };
      const few = { ...meeting, meetingId: "few" };
      await commit(
        minute(FROM, [
          [meeting, { packets_in: 1800, packets_lost_in: 200, packets_out: 2000, packets_lost_out: 20 }],
          [out, { packets_in: 2000, packets_out: 2000, packets_lost_out: 120 }],
          [few, { packets_in: 3000, packets_lost_in: 30, packets_out: 999, packets_lost_out: 999 }],
        ]),
      );
      const found = await measure("webrtc-packet-loss");
      expect(found.map(({ scopeValues, samples }) => [scopeValues[1], samples])).toEqual([
        ["standup", 2000],
        ["out", 2000],
        ["few", 3030],
      ]);
      expect(found.map(({ value }) => value)).toEqual([0.1, 0.06, 30 / 3030].map((value) => expect.closeTo(value, 12)));
    });

    it("turn-cost is the window's cost as it would be for an hour, turn-in-use who was relayed on average", async () => {
      const other = { ...meeting, participantId: "p2" };
      await commit(
        minute(FROM, [
          [meeting, { relay_seconds: 300_000, connected_seconds: 300_000, relay_cost_nanos: 50_000_000 }],
          [other, { relay_seconds: 150_000, connected_seconds: 300_000, relay_cost_nanos: 40_000_000 }],
        ]),
      );
      expect(await measure("turn-cost")).toEqual([{ scopeValues: [], value: expect.closeTo(1.08, 9), samples: 450 }]);
      expect(await measure("turn-in-use")).toEqual([{ scopeValues: [], value: 1.5, samples: 600 }]);
    });

    it("turn-in-use is 0 while nobody is relayed", async () => {
      await commit(minute(FROM, [[meeting, { connected_seconds: 300_000 }]]));
      expect(await measure("turn-in-use")).toEqual([{ scopeValues: [], value: 0, samples: 300 }]);
      expect(await measure("turn-cost")).toEqual([]);
    });

    it("receiver-freshness is the age of the shard that is furthest behind, as far as it is still there", async () => {
      // Shard 0 was never persisted: it counts from when the tables were made.
      expect(await measure("receiver-freshness", TEST_DAY + 90)).toEqual([{ scopeValues: [], value: 90, samples: 1 }]);
      for (const [shard, persistedAt] of [
        [0, NOW - 30],
        [1, NOW - 200],
        [2, NOW - 8 * 86_400],
      ] as const) {
        valueOf(await store.offset(shard));
        await database.query(`UPDATE ingest_offset SET persisted_at = ${persistedAt} WHERE shard = ${shard}`);
      }
      await database.query(`UPDATE schema_migrations SET applied_at = ${NOW - 9 * 86_400}`);
      expect(await measure("receiver-freshness")).toEqual([{ scopeValues: [], value: 200, samples: 2 }]);
    });

    it("gives the highest values, as many as asked for", async () => {
      const services = [3, 9, 6].map((errors) => [{ ...cart, service: `s${errors}` }, errors] as const);
      await commit(
        minute(
          FROM,
          services.map(([series, errors]) => [series, { latency_count: 100, latency_error_count: errors }]),
        ),
      );
      expect((await measure("http-error-ratio", NOW, 2)).map(({ scopeValues }) => scopeValues[1])).toEqual([
        "s9",
        "s6",
      ]);
    });

    it("is what the runbook's queries explain: all of them run", async () => {
      const runbook = readFileSync(new URL("../../docs/runbook.md", import.meta.url), "utf8");
      const queries = [...runbook.matchAll(/```sql\n([^]*?)```/g)].map(([, sql = ""]) => sql.trim().replace(/;$/, ""));
      expect(queries).toHaveLength(ALERT_RULES.length + 3);
      await commit(minute(FROM, [[cart, { latency_count: 3, latency_sum_seconds: 1 }]]));
      for (const sql of queries) {
        const adapted = engine === "SQLite" ? sql.replaceAll("UNIX_TIMESTAMP()", "unixepoch()") : sql;
        await expect(database.query(adapted), sql).resolves.toBeInstanceOf(Array);
      }
    });

    it("fires and is resolved in the table, by an evaluator whose restart changes nothing", async () => {
      const clock = new FakeClock(NOW * 1000);
      const start = async (): Promise<AlertEvaluator> => {
        const evaluator = new AlertEvaluator({
          rules: ALERT_RULES,
          settings: DEFAULT_ALERT_SETTINGS,
          store: store.alerts,
          clock,
          isOwner: () => true,
          alertsChanged: () => undefined,
          report: (message) => expect.fail(message),
        });
        await evaluator.start();
        return evaluator;
      };
      const pass = async (evaluator: AlertEvaluator, minutes: number, errors: number): Promise<void> => {
        for (let count = 0; count < minutes; count += 1) {
          const bucketStart = Math.floor(clock.nowMillis() / 60_000) * 60;
          const amounts = [[cart, { latency_count: 100, latency_error_count: errors }]] as const;
          await commit({ ...minute(bucketStart, amounts), persistedAt: Math.floor(clock.nowMillis() / 1000) });
          for (let second = 0; second < 60; second += 5) {
            await clock.advance(5000);
            await evaluator.idle();
          }
        }
      };
      const rows = async (): Promise<unknown[]> =>
        (await database.query("SELECT rule, scope, resolved_at FROM bandwidth_alerts ORDER BY started_at")).map(
          (row) => [row["rule"], row["scope"], row["resolved_at"] === null ? "open" : "resolved"],
        );
      const scope = "namespace=shop service=cart environment=prod";
      let evaluator = await start();
      await pass(evaluator, 4, 0);
      expect(await rows()).toEqual([]);
      await pass(evaluator, 6, 20);
      expect(await rows()).toEqual([["http-error-ratio", scope, "open"]]);
      await evaluator.stop();
      evaluator = await start();
      await pass(evaluator, 3, 20);
      expect(await rows()).toEqual([["http-error-ratio", scope, "open"]]);
      expect(evaluator.alerts).toMatchObject([{ rule: "http-error-ratio", state: "firing", threshold: 0.05 }]);
      await pass(evaluator, 10, 0);
      expect(await rows()).toEqual([["http-error-ratio", scope, "resolved"]]);
      expect(evaluator.alerts).toMatchObject([{ rule: "http-error-ratio", state: "resolved", value: 0.2 }]);
      const thresholds = await database.query("SELECT rule FROM alert_thresholds ORDER BY rule");
      expect(thresholds.map((row) => row["rule"])).toEqual(ALERT_RULES.map(({ id }) => id).toSorted());
      await evaluator.stop();
    });

    it("keeps no more resolved alerts than its limit, the latest ones", async () => {
      const digits = Array.from({ length: 10 }, (_, digit) => `SELECT ${digit} AS d`).join(" UNION ALL ");
      await database.query(
        `INSERT INTO bandwidth_alerts (rule, scope, started_at, protocol, severity, value, threshold, resolved_at)
         SELECT 'r', 'all', ${NOW} + a.d + 10 * b.d + 100 * c.d + 1000 * e.d + 10000 * f.d + 100000 * g.d, 'http', 'info', 1, 1,
           ${NOW} + a.d + 10 * b.d + 100 * c.d + 1000 * e.d + 10000 * f.d + 100000 * g.d
         FROM (${digits}) a, (${digits}) b, (${digits}) c, (${digits}) e, (${digits}) f, (SELECT 0 AS d UNION ALL SELECT 1) g
         WHERE g.d = 0 OR (f.d = 0 AND e.d < 7)`,
      );
      valueOf(await store.alerts.change({ started: [openAlert], updated: [] }));
      valueOf(await store.maintain(NOW, NOW));
      const [row] = await database.query(
        "SELECT COUNT(resolved_at) AS resolved, COUNT(*) AS found, MIN(resolved_at) AS first FROM bandwidth_alerts",
      );
      expect([Number(row?.["resolved"]), Number(row?.["found"]), Number(row?.["first"])]).toEqual([
        MAX_RESOLVED_ALERTS,
        MAX_RESOLVED_ALERTS + 1,
        NOW + 7000,
      ]);
    });
  });
}

const openAlert = {
  rule: "turn-cost",
  scope: "all",
  startedAt: TEST_DAY,
  protocol: "webrtc",
  severity: "warning",
  value: 2,
  threshold: 1,
  resolvedAt: null,
} as const;
