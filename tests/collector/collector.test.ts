/**
 * The Collector's configurations in a real Collector: what a service was told is taken in is in the totals, whatever stops
 * or dies on the way. `npm run collector` builds the Collector; without one these tests are skipped, and say so.
 *
 * The receiver is down as briefly as the test allows, and retries come soon. COLLECTOR_OUTAGE_SECONDS=60 keeps it away for a minute,
 * with the waits of the configuration as it is shipped, and prints what happened.
 */
import { execFileSync } from "node:child_process";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { OTLPMetricExporter } from "@opentelemetry/exporter-metrics-otlp-grpc";
import { resourceFromAttributes } from "@opentelemetry/resources";
import { MeterProvider, PeriodicExportingMetricReader } from "@opentelemetry/sdk-metrics";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { COLLECTOR_CONFIG } from "../../scripts/otel-collector.ts";
import { createReceiver, type Receiver, type ReceiverOptions } from "../../src/app/receiver.ts";
import { MysqlRollupStore } from "../../src/rollup/mysql-rollup-store.ts";
import { freePort } from "../support/free-port.ts";
import { startMariadb } from "../support/mariadb-server.ts";
import { COLLECTOR, COLLECTOR_TOKEN, type CollectorOptions, startCollector } from "../support/otel-collector.ts";
import { startRedisServer } from "../support/redis-server.ts";
import { nextNanos, nowNanos, postMetric, receivedBytes } from "../support/send-metrics.ts";
import { ServiceLoad, type ServiceLoadOptions } from "../support/service-load.ts";
import { columnSums, embeddedColumnSums } from "../support/totals.ts";
import { startNameServer } from "./name-server.ts";

const OUTAGE_SECONDS = Number(process.env["COLLECTOR_OUTAGE_SECONDS"] ?? 0);
/** The longest wait before a retry is in the configuration: half a minute. */
const RETRY_MILLIS = OUTAGE_SECONDS > 0 ? 90_000 : 20_000;
const TEST_MILLIS = 120_000 + 2 * OUTAGE_SECONDS * 1_000 + RETRY_MILLIS;
const TOTALS_WAIT = { timeout: 30_000, interval: 100 };
const FOREIGN_METRIC = "process.cpu.time";
const QUEUE_FULL_BYTES = 100_000;

const without =
  COLLECTOR === undefined
    ? " (SKIPPED: there is no Collector; `npm run collector` builds one, or set OTELCOL_BIN)"
    : "";

describe.skipIf(COLLECTOR === undefined)(`a real Collector${without}`, { timeout: TEST_MILLIS }, () => {
  let folder: string;
  const cleanUps: (() => Promise<unknown> | void)[] = [];

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "otel-bandwidth-behind-collector-"));
  });
  afterEach(async () => {
    for (const cleanUp of cleanUps.splice(0).toReversed()) await cleanUp();
    rmSync(folder, { recursive: true, force: true });
  });

  it.each(["agent.yaml", "gateway.yaml", "side-by-side.yaml"])("finds %s valid", (name) => {
    const args = ["validate", `--config=${join(COLLECTOR_CONFIG, name)}`];
    const env = { PATH: process.env["PATH"], OTLP_TOKEN: COLLECTOR_TOKEN };
    expect(() => execFileSync(COLLECTOR!, args, { env, stdio: "pipe" })).not.toThrow();
    expect(() => execFileSync(COLLECTOR!, args, { env: { PATH: env.PATH }, stdio: "pipe" })).toThrow(/token/);
  });

  it("the agent hands on what services sent, over HTTP and gRPC, and leaves out the rest", async () => {
    const receiver = await embeddedReceiver();
    const agent = await collector("agent.yaml", { RECEIVER_ENDPOINT: receiver.origin });
    const load = services(agent.origin, { uncounted: [foreignMetric()] });
    await load.acknowledges(40);
    const expected = await load.end();
    await sendByGrpc(agent.grpcPort, 12_345);
    await expect
      .poll(() => embeddedColumnSums(folder), TOTALS_WAIT)
      .toEqual({ ...expected, wire_bytes_in: expected["wire_bytes_in"]! + 12_345n });
  });

  it("nothing is lost when the receiver is down and the agent is killed with a full queue", async () => {
    const first = await embeddedReceiver();
    const queue = "exporters::otlp_http/bandwidth::sending_queue";
    const settings = { [`${queue}::queue_size`]: QUEUE_FULL_BYTES, [`${queue}::batch::min_size`]: 1 };
    const agent = await collector("agent.yaml", { RECEIVER_ENDPOINT: first.origin }, settings);
    const load = services(agent.origin);
    await load.acknowledges(40);
    const before = load.requests;
    await first.receiver.stop();
    const downAt = Date.now();
    // Refused again and again: the queue is full. What it holds was acknowledged.
    await expect.poll(() => load.repetitions, TOTALS_WAIT).toBeGreaterThan(20);
    await agent.kill();
    await agent.start();
    await expect.poll(() => load.repetitions, TOTALS_WAIT).toBeGreaterThan(40);
    await expect
      .poll(() => Date.now() - downAt, { timeout: 1_000 * OUTAGE_SECONDS + 1_000 })
      .toBeGreaterThan(1_000 * OUTAGE_SECONDS);
    await agent.kill();
    const queued = load.requests - before;
    expect(queued).toBeGreaterThan(0);
    await embeddedReceiver(first.port);
    const outageMillis = Date.now() - downAt;
    await agent.start();
    await load.acknowledges(40, RETRY_MILLIS);
    const expected = await load.end();
    await expect.poll(() => embeddedColumnSums(folder), { ...TOTALS_WAIT, timeout: RETRY_MILLIS }).toEqual(expected);
    if (OUTAGE_SECONDS > 0) {
      const { requests, repetitions } = load;
      process.stdout.write(
        `${JSON.stringify({ outageMillis, queued, requests, repetitions, totals: expected }, asText)}\n`,
      );
    }
  });

  it("the gateway gives any receiver any stream, and receivers come and go unnoticed", async () => {
    const [redis, sql] = await Promise.all([startRedisServer(), startMariadb()]);
    cleanUps.push(() => Promise.all([redis.remove(), sql.stop()]));
    const mysqlUrl = await sql.createDatabase();
    const store = new MysqlRollupStore({ url: mysqlUrl });
    cleanUps.push(() => store.close());
    const otlpGrpcPort = await freePort();
    const receiverOn = (otlpHost: string): Promise<RunningReceiver> =>
      startReceiver({ otlpHost, otlpGrpcPort, otlpPort: 0, redisUrl: redis.url, mysqlUrl, shards: 2 });
    const hosts = ["127.0.0.1", "127.0.0.2"] as const;
    const first = await receiverOn(hosts[0]);
    const second = await receiverOn(hosts[1]);
    const names = await startNameServer(hosts);
    cleanUps.push(() => names.close());
    const gateway = await collector("gateway.yaml", {
      RECEIVERS_ENDPOINT: `dns://127.0.0.1:${names.port}/receivers.test:${otlpGrpcPort}`,
    });
    expect((await postMetric(gateway.origin, receivedBytes(1n, nowNanos()))).ok).toBe(false);
    const load = services(gateway.origin, { headers: { authorization: `Bearer ${COLLECTOR_TOKEN}` } });
    const reachTotals = async (): Promise<void> => {
      // Totals that go on: those behind the gateway take them.
      const before = (await columnSums(store))["wire_bytes_out"] ?? 0n;
      const now = async (): Promise<bigint> => (await columnSums(store))["wire_bytes_out"] ?? 0n;
      await expect.poll(now, TOTALS_WAIT).toBeGreaterThan(before);
    };
    await reachTotals();
    await first.receiver.stop();
    await reachTotals();
    await receiverOn(hosts[0]);
    await second.receiver.stop();
    await reachTotals();
    const expected = await load.end();
    await expect.poll(() => columnSums(store), TOTALS_WAIT).toEqual(expected);
  });

  it("side by side, another backend gets everything, and holds up nothing while it is away", async () => {
    const receiver = await embeddedReceiver();
    const backendPort = await freePort();
    const side = await collector("side-by-side.yaml", {
      RECEIVER_ENDPOINT: receiver.origin,
      BACKEND_METRICS_ENDPOINT: `http://127.0.0.1:${backendPort}/otlp/v1/metrics`,
    });
    const load = services(side.origin, { uncounted: [foreignMetric()] });
    await load.acknowledges(40);
    const expected = await load.end();
    await expect.poll(() => embeddedColumnSums(folder), TOTALS_WAIT).toEqual(expected);
    expect(load.repetitions).toBe(0);
    const received = await startBackend(backendPort);
    for (const name of [FOREIGN_METRIC, "bandwidth.http.server.io", "service-0", "service-3"]) {
      await expect.poll(() => received().includes(name), TOTALS_WAIT).toBe(true);
    }
  });

  interface RunningReceiver {
    readonly receiver: Receiver;
    readonly port: number;
    readonly origin: string;
  }

  async function startReceiver(options: ReceiverOptions): Promise<RunningReceiver> {
    const receiver = createReceiver({
      environment: {},
      otlpToken: COLLECTOR_TOKEN,
      bridgePort: 0,
      processIntervalMillis: 50,
      persistIntervalMillis: 150,
      report: () => {},
      ...options,
    });
    cleanUps.push(() => receiver.stop());
    const { otlpPort: port } = await receiver.start();
    return { receiver, port, origin: `http://127.0.0.1:${port}` };
  }

  async function embeddedReceiver(port?: number): Promise<RunningReceiver> {
    return await startReceiver({ dataDirectory: folder, otlpPort: port ?? (await freePort()) });
  }

  /** A Collector that waits for less than one in use does. */
  async function collector(
    configuration: string,
    environment: CollectorOptions["environment"],
    settings: CollectorOptions["settings"] = {},
  ): ReturnType<typeof startCollector> {
    const exporters = ["otlp_http/bandwidth", "otlp_http/backend", "otlp_grpc/bandwidth"];
    const inUse = {
      "agent.yaml": exporters.slice(0, 1),
      "side-by-side.yaml": exporters.slice(0, 2),
      "gateway.yaml": exporters.slice(2),
    }[configuration]!;
    const short = (OUTAGE_SECONDS > 0 ? [] : inUse).flatMap((exporter) => [
      [`exporters::${exporter}::retry_on_failure::initial_interval`, "100ms"],
      [`exporters::${exporter}::retry_on_failure::max_interval`, "500ms"],
      [`exporters::${exporter}::sending_queue::batch::flush_timeout`, "100ms"],
    ]);
    const started = await startCollector({
      configuration,
      environment,
      settings: { ...Object.fromEntries(short), ...settings },
    });
    cleanUps.push(() => started.remove());
    return started;
  }

  function services(origin: string, options: ServiceLoadOptions = {}): ServiceLoad {
    const load = new ServiceLoad(origin, options);
    cleanUps.push(() => load.giveUp());
    return load;
  }

  /** A backend that takes everything, and what it got so far. */
  async function startBackend(port: number): Promise<() => Buffer> {
    const bodies: Buffer[] = [];
    const take = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
      const body = await bodyOf(request);
      bodies.push(request.headers["content-encoding"] === "gzip" ? gunzipSync(body) : body);
      response.writeHead(200, { "content-type": "application/x-protobuf" }).end();
    };
    const server = createServer((request, response) => void take(request, response));
    server.listen(port, "127.0.0.1");
    await once(server, "listening");
    cleanUps.push(() => {
      server.closeAllConnections();
      server.close();
    });
    return () => Buffer.concat(bodies);
  }
});

function asText(_name: string, value: unknown): unknown {
  return typeof value === "bigint" ? String(value) : value;
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

function foreignMetric(): { readonly name: string; readonly unit: string; readonly sum: [object & ForeignPoint] } {
  return { name: FOREIGN_METRIC, unit: "s", sum: [{ start: nowNanos(), time: nextNanos(), value: 1.5 }] };
}

interface ForeignPoint {
  readonly start: bigint;
  readonly time: bigint;
  readonly value: number;
}

/** What a service with the SDK's gRPC exporter received, bytes. */
async function sendByGrpc(port: number, bytes: number): Promise<void> {
  const exporter = new OTLPMetricExporter({ url: `http://127.0.0.1:${port}` });
  const provider = new MeterProvider({
    resource: resourceFromAttributes({ "service.name": "by-grpc" }),
    readers: [new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 3_600_000 })],
  });
  const messages = provider.getMeter("test").createCounter("bandwidth.http.server.io", { unit: "By" });
  messages.add(bytes, { "network.io.direction": "receive" });
  // Times are milliseconds, and a first point that ends as it starts does not know its start.
  for (const before = Date.now(); Date.now() === before;) await new Promise((resolve) => setImmediate(resolve));
  await provider.forceFlush();
  await provider.shutdown();
}
