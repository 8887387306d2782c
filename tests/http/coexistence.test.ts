import { diag, type DiagLogger } from "@opentelemetry/api";
import { HttpInstrumentation } from "@opentelemetry/instrumentation-http";
import { createServer, type Server } from "node:http";
import { createRequire } from "node:module";
import { afterEach, expect, test, vi } from "vitest";
import { HttpSizeInstrumentation } from "../../src/http/index.ts";
import { close, countedServer, listen } from "./support/counted-server.ts";
import { MetricBench } from "./support/metric-bench.ts";
import { RawClient } from "./support/raw-client.ts";

const POST = "POST / HTTP/1.1\r\nHost: test\r\nContent-Length: 4\r\n\r\nbody";
const require = createRequire(import.meta.url);

// It patches once a process, at the first require; after that it is switched on and off.
const theirs = new HttpInstrumentation();
require("http");
theirs.disable();

afterEach(() => {
  diag.disable();
  vi.resetModules();
});

async function post(server: Server): Promise<void> {
  const port = await listen(server);
  const client = await RawClient.open(port);
  client.send(POST);
  await client.responses(["POST"]);
  await client.close();
}

const ORDERS = [
  ["ours", "theirs"],
  ["theirs", "ours"],
] as const;

test.for(ORDERS)("counts beside instrumentation-http, %s enabled before %s", async (order) => {
  const metrics = new MetricBench();
  const ours = new HttpSizeInstrumentation({ enabled: false });
  for (const instrumentation of [ours, theirs]) instrumentation.setMeterProvider(metrics.provider);
  for (const whose of order) (whose === "ours" ? ours : theirs).enable();
  const server = createServer((_request, response) => response.end("answer"));
  try {
    await post(server);
    const [size] = await metrics.settled(1);
    const [duration] = await metrics.until("http.server.request.duration", (readings) => readings.length > 0);
    expect(size).toMatchObject({ value: 6, count: 1 });
    expect(size?.attributes, "the series join").toEqual(duration?.attributes);
  } finally {
    await close(server);
    for (const instrumentation of [ours, theirs]) instrumentation.disable();
  }
});

test("two copies of the package count every byte once", async () => {
  const warnings: string[] = [];
  const logger: DiagLogger = { ...silent, warn: (message) => warnings.push(message) };
  diag.setLogger(logger);
  await using app = await countedServer((request, response) => {
    second.setHttpRoute(request, "/from-the-second-copy");
    response.end("answer");
  });
  vi.resetModules();
  const second = await import("../../src/http/index.ts");
  expect(second.HttpSizeInstrumentation).not.toBe(HttpSizeInstrumentation);
  const other = new second.HttpSizeInstrumentation();
  other.setMeterProvider(app.metrics.provider);
  const client = await RawClient.open(app.port);
  client.send(POST);
  await client.responses(["POST"]);
  await client.close();
  const readings = await app.metrics.settled(1);
  other.disable();
  expect(readings).toHaveLength(1);
  expect(readings[0]).toMatchObject({ value: 6, count: 1, attributes: { "http.route": "/from-the-second-copy" } });
  expect(await app.metrics.total("http.server.request.body.size")).toBe(4);
  expect(warnings).toHaveLength(1);
});

test("disable() stops counting and puts Node's methods back; enable() counts again, also on an open connection", async () => {
  const { OutgoingMessage } = await import("node:http");
  const { write, end } = OutgoingMessage.prototype;
  await using app = await countedServer((_request, response) => response.end("answer"));
  expect(OutgoingMessage.prototype.end).not.toBe(end);
  const client = await RawClient.open(app.port);
  client.send(POST);
  await client.responses(["POST"]);
  await app.metrics.settled(1);
  app.instrumentation.disable();
  expect(OutgoingMessage.prototype.write).toBe(write);
  expect(OutgoingMessage.prototype.end).toBe(end);
  client.send(POST);
  await client.responses(["POST", "POST"]);
  app.instrumentation.enable();
  client.send(POST);
  const responses = await client.responses(["POST", "POST", "POST"]);
  await client.close();
  await app.metrics.settled(2);
  expect(await app.metrics.total("http.server.request.body.size")).toBe(8);
  expect(await app.metrics.total("bandwidth.http.server.io", "receive")).toBe(2 * POST.length);
  expect(await app.metrics.total("bandwidth.http.server.io", "transmit")).toBe(2 * (responses[0]?.totalBytes ?? 0));
});

test("a meter that throws does not reach the host", async () => {
  const told: string[] = [];
  diag.setLogger({ ...silent, error: (message) => told.push(message) });
  await using app = await countedServer((_request, response) => response.end("answer"));
  const provider = new MetricBench().provider;
  const meter = provider.getMeter("throwing");
  meter.createHistogram = () => ({
    record() {
      throw new Error("the meter is broken");
    },
  });
  app.instrumentation.setMeterProvider({ getMeter: () => meter });
  const client = await RawClient.open(app.port);
  client.send(POST + POST);
  await client.responses(["POST", "POST"]);
  await client.close();
  expect(app.instrumentation.faultCount).toBe(2);
  expect(told, "only the first fault is told").toHaveLength(1);
});

const silent: DiagLogger = { error() {}, warn() {}, info() {}, debug() {}, verbose() {} };
