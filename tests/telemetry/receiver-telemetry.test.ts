import { ValueType } from "@opentelemetry/api";
import { resourceFromAttributes } from "@opentelemetry/resources";
import type { ScopeMetrics } from "@opentelemetry/sdk-metrics";
import { afterEach, describe, expect, it } from "vitest";
import { METRICS } from "../../src/model/metric-names.ts";
import { metricMeaning } from "../../src/model/metric-meaning.ts";
import { RECEIVER_METRICS } from "../../src/telemetry/receiver-metrics.ts";
import { type Observers, RECEIVER_SCOPE, ReceiverTelemetry } from "../../src/telemetry/receiver-telemetry.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { valueOf } from "../support/log-entries.ts";
import { parsePrometheusText, sampleOf } from "../support/prometheus-text.ts";

const telemetries: ReceiverTelemetry[] = [];
afterEach(async () => {
  await Promise.all(telemetries.splice(0).map((telemetry) => telemetry.shutdown()));
});

function observers(changes: Partial<Observers> = {}): Observers {
  const all = RECEIVER_METRICS.filter(({ instrument }) => instrument !== "histogram").map(({ name }, at) => [
    name,
    () => [{ value: at + 1 }],
  ]);
  return { ...(Object.fromEntries(all) as Observers), ...changes };
}

function started(changes: Partial<Observers> = {}): ReceiverTelemetry {
  const telemetry = new ReceiverTelemetry(new FakeClock(1_800_000_000_000));
  telemetries.push(telemetry);
  const resource = resourceFromAttributes({ "service.name": 'a "name"\nof two lines \\' });
  telemetry.start({ resource, observers: observers(changes), readers: [] });
  return telemetry;
}

describe("the table of the receiver's own metrics", () => {
  it("has each name once, with our prefix, a unit and a meaning", () => {
    const names = RECEIVER_METRICS.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    for (const { name, unit, meaning } of RECEIVER_METRICS) {
      expect(name).toMatch(/^bandwidth\.receiver\.[a-z_]+(\.[a-z_]+)*$/);
      expect(unit).not.toBe("");
      expect(meaning).toMatch(/\.$/);
    }
  });

  it("has no name that is counted", () => {
    for (const { name } of RECEIVER_METRICS) expect([name, metricMeaning(name)]).toEqual([name, undefined]);
    const counted = new Set(METRICS.map(({ name }) => name));
    expect(RECEIVER_METRICS.filter(({ name }) => counted.has(name))).toEqual([]);
  });
});

describe("the receiver's telemetry", () => {
  it("tells every metric of the table, with its type and its meaning", async () => {
    const telemetry = started();
    telemetry.record("bandwidth.receiver.fold.duration", 0.02);
    telemetry.record("bandwidth.receiver.store.duration", 0.2, { "bandwidth.store": "log" });
    const text = parsePrometheusText(valueOf(await telemetry.prometheusText()));
    const types = { counter: "counter", updowncounter: "gauge", gauge: "gauge", histogram: "histogram" };
    for (const { name, instrument, meaning } of RECEIVER_METRICS) {
      const family = `${name.replaceAll(".", "_")}${instrument === "counter" ? "_total" : ""}`;
      expect([family, text.types.get(family), text.help.get(family)]).toEqual([family, types[instrument], meaning]);
    }
    expect(text.types.size).toBe(RECEIVER_METRICS.length + 1);
    expect(sampleOf(text, "bandwidth_receiver_requests_total")).toBe(1);
    expect(sampleOf(text, "target_info", { service_name: 'a "name"\nof two lines \\' })).toBe(1);
  });

  it("keeps durations in buckets, each sample in all that it is not above", async () => {
    const telemetry = started();
    for (const seconds of [0.0004, 0.02, 0.02, 100]) telemetry.record("bandwidth.receiver.fold.duration", seconds);
    const text = parsePrometheusText(valueOf(await telemetry.prometheusText()));
    const bucket = (le: string): number | undefined =>
      sampleOf(text, "bandwidth_receiver_fold_duration_bucket", { le });
    expect([bucket("0.0005"), bucket("0.01"), bucket("0.025"), bucket("30"), bucket("+Inf")]).toEqual([1, 1, 3, 3, 4]);
    expect(sampleOf(text, "bandwidth_receiver_fold_duration_sum")).toBeCloseTo(100.0404, 9);
  });

  it("tells the rest when one metric cannot be read, and what failed", async () => {
    const telemetry = started({
      "bandwidth.receiver.series": () => {
        throw new Error("no\nseries");
      },
      "bandwidth.receiver.sockets": () => Promise.reject(new Error("no sockets")),
    });
    const text = valueOf(await telemetry.prometheusText());
    expect(text.split("\n").filter((line) => line.startsWith("# failed to read: "))).toEqual([
      "# failed to read: no series",
      "# failed to read: no sockets",
    ]);
    const parsed = parsePrometheusText(text);
    expect(sampleOf(parsed, "bandwidth_receiver_series")).toBeUndefined();
    expect(sampleOf(parsed, "bandwidth_receiver_shards")).toBeGreaterThan(0);
  });

  it("forgets what is observed no more, whoever read it before", async () => {
    let shards = ["0", "1"];
    const telemetry = started({
      "bandwidth.receiver.log.lag": () =>
        shards.map((shard) => ({ value: 1.5, attributes: { "bandwidth.shard": shard } })),
    });
    const told = async (): Promise<(string | undefined)[]> =>
      parsePrometheusText(valueOf(await telemetry.prometheusText()))
        .samples.filter(({ name }) => name === "bandwidth_receiver_log_lag")
        .map(({ labels }) => labels["bandwidth_shard"]);
    expect(await told()).toEqual(["0", "1"]);
    shards = ["1"];
    expect(await told()).toEqual(["1"]);
    shards = [];
    expect(await told()).toEqual([]);
  });

  it("gives points the time it began, whole numbers as such, and is not read for one reader by another", async () => {
    const clock = new FakeClock(1_800_000_000_250);
    const telemetry = new ReceiverTelemetry(clock);
    telemetries.push(telemetry);
    telemetry.start({ resource: resourceFromAttributes({}), observers: observers(), readers: [] });
    telemetry.record("bandwidth.receiver.fold.duration", 1);
    await clock.advance(500);
    const [first, second] = [await telemetry.collect(), await telemetry.collect()];
    expect(second).toEqual(first);
    const [{ metrics, scope }] = first.resourceMetrics.scopeMetrics as [ScopeMetrics];
    expect(scope).toBe(RECEIVER_SCOPE);
    for (const { descriptor, dataPoints } of metrics) {
      expect(dataPoints[0]).toMatchObject({ startTime: [1_800_000_000, 250e6], endTime: [1_800_000_000, 750e6] });
      expect(descriptor.valueType).toBe(descriptor.unit === "s" ? ValueType.DOUBLE : ValueType.INT);
    }
  });

  it("is unavailable before its start and after its end, and drops what is recorded then", async () => {
    const telemetry = new ReceiverTelemetry(new FakeClock(1_800_000_000_000));
    telemetry.record("bandwidth.receiver.fold.duration", 1);
    expect(await telemetry.prometheusText()).toMatchObject({ kind: "retryable", code: "unavailable" });
    telemetry.start({ resource: resourceFromAttributes({}), observers: observers(), readers: [] });
    expect((await telemetry.prometheusText()).kind).toBe("success");
    await telemetry.shutdown();
    telemetry.record("bandwidth.receiver.fold.duration", 1);
    expect(await telemetry.prometheusText()).toMatchObject({ kind: "retryable", code: "unavailable" });
    await telemetry.shutdown();
  });
});
