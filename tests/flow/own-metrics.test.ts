/** The receiver's own metrics end to end: what was sent to a real receiver is what it tells of itself, as text and over OTLP. */
import { createServer } from "node:http";
import { mkdtempSync, rmSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { metrics } from "@opentelemetry/api";
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from "@opentelemetry/sdk-metrics";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { createReceiver, type Listening, type Receiver, type ReceiverOptions } from "../../src/app/receiver.ts";
import { TokenKeys } from "../../src/bridge/token-keys.ts";
import { systemClock } from "../../src/model/clock.ts";
import { RECEIVER_METRICS } from "../../src/telemetry/receiver-metrics.ts";
import { RECEIVER_SCOPE } from "../../src/telemetry/receiver-telemetry.ts";
import { RequestType } from "../otlp/otlp-proto.ts";
import { bridgeSocket, connected, sendMetrics } from "../support/bridge-client.ts";
import { type RunningCommand, startCommand } from "../support/command.ts";
import { freePort } from "../support/free-port.ts";
import { otlpRequest } from "../support/otlp-request.ts";
import { parsePrometheusText, type PrometheusText, sampleOf } from "../support/prometheus-text.ts";
import { startMariadb } from "../support/mariadb-server.ts";
import { startRedisServer } from "../support/redis-server.ts";
import { nextNanos, nowNanos, postMetric, postMetrics, receivedBytes } from "../support/send-metrics.ts";
import { embeddedColumnSums } from "../support/totals.ts";

let folder: string;
const ended: (() => Promise<unknown>)[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "otel-bandwidth-own-metrics-"));
});
afterEach(async () => {
  for (const end of ended.splice(0).toReversed()) await end();
  rmSync(folder, { recursive: true, force: true });
});

interface Started extends Listening {
  readonly receiver: Receiver;
  readonly otlp: string;
  readonly live: string;
}

async function start(options: ReceiverOptions = {}): Promise<Started> {
  const receiver = createReceiver({ environment: {}, dataDirectory: folder, otlpPort: 0, bridgePort: 0, ...options });
  ended.push(() => receiver.stop());
  const ports = await receiver.start();
  const origin = (port: number): string => `http://127.0.0.1:${port}`;
  return { receiver, ...ports, otlp: origin(ports.otlpPort), live: origin(ports.bridgePort) };
}

async function read(live: string, token?: string): Promise<PrometheusText> {
  const answer = await fetch(`${live}/metrics`, token ? { headers: { authorization: `Bearer ${token}` } } : {});
  expect([answer.status, answer.headers.get("content-type")]).toEqual([
    200,
    "text/plain; version=0.0.4; charset=utf-8",
  ]);
  return parsePrometheusText(await answer.text());
}

function outcomes(text: PrometheusText, name: string, labels: Readonly<Record<string, string>> = {}) {
  const found = text.samples.filter(
    (sample) =>
      sample.name === name && Object.entries(labels).every(([label, value]) => sample.labels[label] === value),
  );
  return Object.fromEntries(
    found.filter(({ value }) => value > 0).map((sample) => [sample.labels["bandwidth_outcome"], sample.value]),
  );
}

/** The metrics when so many entries are in SQL. */
async function whenFolded(live: string, entries: number): Promise<PrometheusText> {
  return vi.waitFor(
    async () => {
      const text = await read(live);
      expect(sampleOf(text, "bandwidth_receiver_fold_entries_total")).toBe(entries);
      return text;
    },
    { timeout: 20_000, interval: 100 },
  );
}

it("tells what was taken, refused and folded, as it was sent", async () => {
  const { receiver, otlp, live } = await start({ processIntervalMillis: 100, persistIntervalMillis: 300 });
  const begin = nowNanos();
  const number = (value: bigint | number, time: bigint, direction: string) => ({
    attributes: { "network.io.direction": direction },
    start: begin,
    time,
    value,
  });
  const io = (...sum: ReturnType<typeof number>[]) => ({ name: "bandwidth.http.server.io", unit: "By", sum });
  const old = begin - 49n * 3_600_000_000_000n;
  const repeated = otlpRequest([{ metrics: [receivedBytes(1000n, begin)] }]);
  for (const body of [repeated, repeated, otlpRequest([{ metrics: [receivedBytes(5000n, begin)] }])]) {
    expect((await postMetrics(otlp, body)).status).toBe(200);
  }
  const mixed = otlpRequest([
    {
      metrics: [
        io(number(5n, nextNanos(), "transmit"), { ...number(6n, old + 1n, "transmit"), start: old }),
        { ...io(number(1.5, nextNanos(), "receive"), number(-1n, nextNanos(), "receive")), name: "webrtc.io" },
        { ...io(number(7n, nextNanos(), "receive")), name: "webrtc.wire.io", unit: "km" },
        { name: "foreign", gauge: [number(1n, nextNanos(), "a"), number(2n, nextNanos(), "b")] },
      ],
    },
  ]);
  expect((await postMetrics(otlp, mixed)).status).toBe(200);
  expect((await postMetrics(otlp, Buffer.from([0xff, 0xff]))).status).toBe(400);
  expect((await fetch(`${otlp}/v1/traces`, { method: "POST" })).status).toBe(404);
  expect((await postMetrics(otlp, repeated, { "content-type": "text/plain" })).status).toBe(415);
  const socket = bridgeSocket(live, "/webrtc", (await receiver.trialAccess())!.participantToken);
  await connected(socket);
  expect(await sendMetrics(socket, Buffer.from([0xff, 0xff]))).toMatchObject({ retryable: false });
  const text = await whenFolded(live, 4);
  socket.disconnect();

  expect(outcomes(text, "bandwidth_receiver_requests_total", { bandwidth_transport: "http" })).toEqual({
    accepted: 4,
    invalid: 1,
    unsupported: 2,
  });
  expect(outcomes(text, "bandwidth_receiver_requests_total", { bandwidth_transport: "socket" })).toEqual({
    invalid: 1,
  });
  expect(outcomes(text, "bandwidth_receiver_points_total")).toEqual({
    accepted: 4,
    refused_time: 1,
    refused_value: 2,
    refused_metric: 1,
    ignored: 2,
  });
  expect(outcomes(text, "bandwidth_receiver_fold_points_total")).toEqual({ counted: 3, duplicate: 1 });
  const shard = { bandwidth_shard: "0" };
  expect(sampleOf(text, "bandwidth_receiver_series", shard)).toBe(1);
  expect(sampleOf(text, "bandwidth_receiver_shards")).toBe(1);
  expect(sampleOf(text, "bandwidth_receiver_log_entries", shard)).toBe(0);
  expect(sampleOf(text, "bandwidth_receiver_log_lag", shard)).toBe(0);
  expect(sampleOf(text, "bandwidth_receiver_persist_age", shard)).toBeLessThan(60);
  expect(sampleOf(text, "bandwidth_receiver_sockets", { bandwidth_server: "bridge" })).toBeGreaterThan(0);
  expect(sampleOf(text, "bandwidth_receiver_body_in_flight", { bandwidth_buffer: "http" })).toBe(0);
  const calls = (operation: string, store: string) =>
    sampleOf(text, "bandwidth_receiver_store_duration_count", {
      db_operation_name: operation,
      bandwidth_store: store,
      db_system_name: "sqlite",
    });
  expect(calls("append", "log")).toBe(4);
  expect(calls("commit", "totals")).toBeGreaterThan(0);
  const { writes, reads } = receiver.statementCounts();
  const written = sampleOf(text, "bandwidth_receiver_sql_statements_total", { bandwidth_statement_kind: "write" })!;
  expect([written > 0 && written <= writes, reads > 0]).toEqual([true, true]);

  await receiver.stop();
  expect(await embeddedColumnSums(folder)).toEqual({ wire_bytes_in: 5000n, wire_bytes_out: 5n });
});

it("asks for an admin's token off loopback", async () => {
  const secret = "a secret of the tests, long enough";
  const { live } = await start({ bridgeHost: "0.0.0.0", bridgeJwtSecret: secret });
  const keys = new TokenKeys({ secret, clock: systemClock });
  const page = await keys.issue({
    role: "participant",
    meeting: "m",
    participant: "p",
    expiresInSeconds: 60,
  });
  for (const headers of [{}, { authorization: "Bearer none" }, { authorization: `Bearer ${page}` }]) {
    expect((await fetch(`${live}/metrics`, { headers })).status).toBe(401);
  }
  const text = await read(live, await keys.issue({ role: "admin", expiresInSeconds: 60 }));
  expect(sampleOf(text, "bandwidth_receiver_shards")).toBe(1);
});

it(
  "tells of Redis and SQL, each shard by its owner alone, and answers also while Redis is away",
  { timeout: 90_000 },
  async () => {
    const redis = await startRedisServer();
    const sql = await startMariadb();
    ended.push(
      () => redis.remove(),
      () => sql.stop(),
    );
    const shared = {
      redisUrl: redis.url,
      mysqlUrl: await sql.createDatabase(),
      shards: 2,
      processIntervalMillis: 100,
      persistIntervalMillis: 300,
    };
    const started = [await start(shared), await start({ ...shared, dataDirectory: join(folder, "other") })];
    for (const { otlp } of started) expect((await postMetric(otlp, receivedBytes(1000n, nowNanos()))).status).toBe(200);
    const readAll = (): Promise<PrometheusText[]> => Promise.all(started.map(({ live }) => read(live)));
    const texts = await vi.waitFor(
      async () => {
        const found = await readAll();
        const entries = found.map((text) => sampleOf(text, "bandwidth_receiver_fold_entries_total")!);
        expect(entries.reduce((sum, count) => sum + count, 0)).toBe(2);
        return found;
      },
      { timeout: 30_000, interval: 200 },
    );
    const owned = (name: string): string[] =>
      texts.flatMap(({ samples }) =>
        samples.filter((sample) => sample.name === name).map(({ labels }) => labels["bandwidth_shard"]!),
      );
    expect(owned("bandwidth_receiver_log_lag").toSorted()).toEqual(["0", "1"]);
    expect(owned("bandwidth_receiver_persist_age").toSorted()).toEqual(["0", "1"]);
    const counts = (text: PrometheusText, labels: Readonly<Record<string, string>>): number =>
      text.samples
        .filter(({ name }) => name === "bandwidth_receiver_store_duration_count")
        .filter((sample) => Object.entries(labels).every(([label, value]) => sample.labels[label] === value))
        .reduce((sum, { value }) => sum + value, 0);
    for (const text of texts) expect(counts(text, { db_operation_name: "append", db_system_name: "redis" })).toBe(1);
    const committed = { db_operation_name: "commit", db_system_name: "mysql" };
    expect(texts.reduce((sum, text) => sum + counts(text, committed), 0)).toBeGreaterThan(0);

    await redis.stop();
    expect((await postMetric(started[0]!.otlp, receivedBytes(2000n, nowNanos()))).status).toBe(503);
    const [away] = await readAll();
    expect(counts(away!, { bandwidth_store: "log", error_type: "unavailable" })).toBeGreaterThan(0);
    expect(outcomes(away!, "bandwidth_receiver_requests_total")).toEqual({ accepted: 1, unavailable: 1 });
    expect(away!.samples.filter(({ name }) => name === "bandwidth_receiver_log_entries")).toEqual([]);
  },
);

it("touches nothing global, and nothing of an app's own SDK, when an app embeds the receiver", async () => {
  const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
  const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 3_600_000 });
  const provider = new MeterProvider({ readers: [reader] });
  expect(metrics.setGlobalMeterProvider(provider)).toBe(true);
  ended.push(async () => {
    metrics.disable();
    await provider.shutdown();
  });
  const before = globalThis[Symbol.for("opentelemetry.js.api.1") as never] as object;
  const known = { ...before };
  metrics.getMeter("the app").createCounter("orders").add(1);
  const { otlp, live } = await start();
  expect((await postMetric(otlp, receivedBytes(1n, nowNanos()))).status).toBe(200);
  expect(sampleOf(await read(live), "bandwidth_receiver_points_total", { bandwidth_outcome: "accepted" })).toBe(1);
  expect(metrics.getMeterProvider()).toBe(provider);
  expect({ ...before }).toEqual(known);
  await provider.forceFlush();
  const scopes = exporter.getMetrics().flatMap(({ scopeMetrics }) => scopeMetrics.map(({ scope }) => scope.name));
  expect(scopes).toEqual(["the app"]);
});

interface ExportedRequest {
  readonly headers: Readonly<Record<string, unknown>>;
  readonly resourceMetrics: readonly {
    readonly resource: { readonly attributes: readonly { readonly key: string; readonly value: object }[] };
    readonly scopeMetrics: readonly {
      readonly scope: { readonly name: string };
      readonly metrics: readonly { readonly name: string; readonly sum?: { readonly dataPoints: readonly object[] } }[];
    }[];
  }[];
}

/** A server that takes OTLP, and what it took. */
async function otlpServer(): Promise<{ readonly origin: string; readonly requests: ExportedRequest[] }> {
  const requests: ExportedRequest[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const body = Buffer.concat(chunks);
      const plain = request.headers["content-encoding"] === "gzip" ? gunzipSync(body) : body;
      const decoded = RequestType.toObject(RequestType.decode(plain), { longs: Number, arrays: true });
      requests.push({ ...(decoded as ExportedRequest), headers: request.headers });
      response.writeHead(200, { "content-type": "application/x-protobuf" }).end();
    });
  });
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
  ended.push(
    () =>
      new Promise((resolve) => {
        server.close(resolve);
        server.closeAllConnections();
      }),
  );
  return { origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, requests };
}

async function serve(environment: Readonly<Record<string, string>>): Promise<RunningCommand> {
  const command = startCommand([], { DATA_DIR: folder, OTLP_PORT: "0", BRIDGE_PORT: "0", ...environment });
  ended.push(() => command.stop("SIGKILL"));
  await command.printed(/log in /);
  return command;
}

it("exports them by OTLP when the environment asks for it, a last time at the end", async () => {
  const { origin, requests } = await otlpServer();
  const command = await serve({
    OTEL_EXPORTER_OTLP_ENDPOINT: origin,
    OTEL_EXPORTER_OTLP_HEADERS: "authorization=Bearer%20secret",
    OTEL_RESOURCE_ATTRIBUTES: "deployment.environment.name=test",
    OTEL_METRIC_EXPORT_INTERVAL: "3600000",
  });
  const [, otlp] = await command.printed(/OTLP at (\S+)\/v1\/metrics/);
  expect((await postMetric(otlp!, receivedBytes(1n, nowNanos()))).status).toBe(200);
  const { code, stderr } = await command.stop();
  expect([code, stderr]).toEqual([0, ""]);
  expect(requests.length).toBe(1);
  const [{ resource, scopeMetrics }] = requests[0]!.resourceMetrics as [ExportedRequest["resourceMetrics"][number]];
  expect(requests[0]!.headers["authorization"]).toBe("Bearer secret");
  const attributes = Object.fromEntries(resource.attributes.map(({ key, value }) => [key, Object.values(value)[0]]));
  expect(attributes).toMatchObject({ "service.name": "otel-bandwidth", "deployment.environment.name": "test" });
  expect(scopeMetrics.map(({ scope }) => scope.name)).toEqual([RECEIVER_SCOPE.name]);
  const names = scopeMetrics[0]!.metrics.map(({ name }) => name);
  // It has given its shard up when it exports for the last time, and no tenant was refused.
  const ofShards = /\.(series|log\.entries|log\.bytes|log\.lag|persist\.age|tenant\.refused)$/;
  const expected = RECEIVER_METRICS.map(({ name }) => name).filter((name) => !ofShards.test(name));
  expect(names.filter((name) => !ofShards.test(name)).toSorted()).toEqual(expected.toSorted());
  const entries = scopeMetrics[0]!.metrics.find(({ name }) => name === "bandwidth.receiver.fold.entries");
  expect(entries?.sum?.dataPoints).toMatchObject([{ asInt: 1 }]);
});

it("says once that they cannot be exported, and what it does not know, and goes on", async () => {
  const command = await serve({
    OTEL_METRICS_EXPORTER: "otlp,console",
    OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${await freePort()}`,
    OTEL_EXPORTER_OTLP_TIMEOUT: "200",
    OTEL_METRIC_EXPORT_INTERVAL: "250",
  });
  const [, live] = await command.printed(/live at (\S+)\/api\/live /);
  for (let reading = 0; reading < 20; reading++) await read(live!);
  const { code, stderr } = await command.stop();
  expect(code).toBe(0);
  expect(stderr).toContain("OTEL_METRICS_EXPORTER: expected otlp, prometheus or none (got console)");
  expect(stderr.match(/own metrics cannot be exported: /g)).toHaveLength(1);
});

it("puts none of them into totals when a receiver exports to itself", async () => {
  const port = await freePort();
  const command = await serve({
    OTLP_PORT: String(port),
    OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${port}`,
    OTEL_METRIC_EXPORT_INTERVAL: "100",
  });
  const [, live] = await command.printed(/live at (\S+)\/api\/live /);
  await vi.waitFor(
    async () => {
      const ignored = sampleOf(await read(live!), "bandwidth_receiver_points_total", { bandwidth_outcome: "ignored" });
      expect(ignored).toBeGreaterThan(100);
    },
    { timeout: 20_000, interval: 100 },
  );
  const text = await read(live!);
  expect(sampleOf(text, "bandwidth_receiver_points_total", { bandwidth_outcome: "accepted" })).toBe(0);
  expect(sampleOf(text, "bandwidth_receiver_log_entries", { bandwidth_shard: "0" })).toBe(0);
  // It may say that its last export found no receiver any more.
  expect((await command.stop()).code).toBe(0);
  expect(await embeddedColumnSums(folder)).toEqual({});
});
