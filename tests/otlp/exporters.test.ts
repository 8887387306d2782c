/** What the exporters of the OpenTelemetry JS SDK really send, in both content types, compressed and not. */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { OTLPMetricExporter as JsonExporter } from "@opentelemetry/exporter-metrics-otlp-http";
import { OTLPMetricExporter as ProtobufExporter } from "@opentelemetry/exporter-metrics-otlp-proto";
import { resourceFromAttributes } from "@opentelemetry/resources";
import {
  AggregationType,
  MeterProvider,
  PeriodicExportingMetricReader,
  type PushMetricExporter,
} from "@opentelemetry/sdk-metrics";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { createOpenBody } from "../../src/otlp/open-body.ts";
import { encodeSuccess } from "../../src/otlp/otlp-response.ts";
import { recordWalk, type WalkEvent } from "./recorded-walk.ts";

const bodies: { contentType: string; encoding: string; body: Buffer }[] = [];
const server = createServer((request, response) => void answer(request, response));
let url = "";

beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1/metrics`;
});

afterAll(() => server.closeAllConnections());
afterAll(() => new Promise((resolve) => server.close(resolve)));

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { "content-type": contentType = "", "content-encoding": encoding = "identity" } = request.headers;
  bodies.push({ contentType, encoding, body: await readAll(request) });
  const form = contentType === "application/json" ? "json" : "protobuf";
  const body = encodeSuccess(form, { rejectedPoints: 0, message: "" });
  response.writeHead(200, { "content-type": contentType }).end(body);
}

async function readAll(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

/** Exports a counter, an explicit and an exponential histogram and a gauge once; what the walk makes of them. */
async function exported(exporter: PushMetricExporter): Promise<WalkEvent[]> {
  bodies.length = 0;
  const provider = new MeterProvider({
    resource: resourceFromAttributes({ "service.name": "shop", tags: ["a", "b"], size: 2.5, on: true }),
    readers: [new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 3_600_000 })],
    views: [
      {
        instrumentName: "http.server.request.duration",
        aggregation: { type: AggregationType.EXPONENTIAL_HISTOGRAM, options: { maxSize: 640 } },
      },
    ],
  });
  const meter = provider.getMeter("test", "1.2.3");
  meter.createCounter("webrtc.io", { unit: "By" }).add(2 ** 52, { "webrtc.relay": true, n: 3 });
  const size = meter.createHistogram("http.server.request.body.size", { unit: "By" });
  const duration = meter.createHistogram("http.server.request.duration", { unit: "s" });
  for (const value of [0, 1, 7, 300, 100_000]) {
    size.record(value, { "http.route": "/ünï" });
    duration.record(value / 1000);
  }
  meter.createGauge("other").record(-1.25);
  await provider.forceFlush();
  await provider.shutdown();
  const { contentType, encoding, body } = bodies[0]!;
  const opened = await createOpenBody()(
    body,
    contentType === "application/json" ? "json" : "protobuf",
    encoding as "gzip",
  );
  if (opened.kind !== "success") throw new Error(opened.reason);
  const { result, events } = recordWalk(opened.value);
  expect(result).toEqual({ kind: "success", value: 4 });
  return events;
}

interface ReadMetric {
  readonly header: readonly unknown[];
  readonly point: Record<string, unknown>;
}

/** Each metric with its only point, by name: the SDK puts those with views first. */
function byName(events: readonly WalkEvent[]): Map<unknown, ReadMetric> {
  const metrics = new Map<unknown, ReadMetric>();
  for (const [index, [kind, name, ...header]] of events.entries()) {
    const point = events[index + 1]?.[1] as Record<string, unknown>;
    if (kind === "metric") metrics.set(name, { header, point });
  }
  return metrics;
}

describe("the JS SDK's exporters", () => {
  test.each([
    ["protobuf", ProtobufExporter, "none"],
    ["protobuf", ProtobufExporter, "gzip"],
    ["json", JsonExporter, "none"],
    ["json", JsonExporter, "gzip"],
  ] as const)("send %s that is read in full (%#)", async (form, Exporter, compression) => {
    const events = await exported(new Exporter({ url, compression: compression as never }));
    expect(bodies[0]?.contentType).toBe(form === "json" ? "application/json" : "application/x-protobuf");
    expect(bodies[0]?.encoding).toBe(compression === "gzip" ? "gzip" : "identity");
    const metrics = byName(events);
    expect(metrics.size).toBe(4);
    const io = metrics.get("webrtc.io")!;
    expect(io.header).toEqual(["By", "sum", "cumulative", true]);
    expect(valueOf(io.point)).toBe(2 ** 52);
    const size = metrics.get("http.server.request.body.size")!;
    expect(size.header).toEqual(["By", "histogram", "cumulative", true]);
    expect(size.point).toMatchObject({ count: 5n, hasSum: true, sum: 100_308 });
    expect((size.point["counts"] as bigint[]).reduce((sum, count) => sum + count, 0n)).toBe(5n);
    const duration = metrics.get("http.server.request.duration")!;
    expect(duration.header).toEqual(["s", "exponential_histogram", "cumulative", true]);
    expect(duration.point).toMatchObject({ count: 5n, zeroCount: 1n, hasNegative: false });
    expect(duration.point["sum"]).toBeCloseTo(100.308, 9);
    const other = metrics.get("other")!;
    expect(other.header).toEqual(["", "gauge", "unspecified", false]);
    expect(other.point).toMatchObject({ valueKind: "double", double: -1.25 });
  });

  test("mean the same in both content types", async () => {
    const untimed = (events: WalkEvent[]): unknown[] =>
      events.map(([name, first, ...rest]) =>
        name === "point" ? { ...(first as object), start: 0, time: 0 } : [name, first, ...rest],
      );
    const protobuf = untimed(await exported(new ProtobufExporter({ url })));
    expect(untimed(await exported(new JsonExporter({ url })))).toEqual(protobuf);
  });
});

function valueOf(point: Record<string, unknown>): number {
  return point["valueKind"] === "int" ? Number(point["int"]) : (point["double"] as number);
}
