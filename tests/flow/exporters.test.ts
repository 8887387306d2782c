/** What exporters really send arrives in the totals, byte for byte, whatever its form and temporality. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync, zstdCompressSync } from "node:zlib";
import {
  AggregationTemporalityPreference,
  OTLPMetricExporter as JsonExporter,
} from "@opentelemetry/exporter-metrics-otlp-http";
import { OTLPMetricExporter as GrpcExporter } from "@opentelemetry/exporter-metrics-otlp-grpc";
import { OTLPMetricExporter as ProtobufExporter } from "@opentelemetry/exporter-metrics-otlp-proto";
import { resourceFromAttributes } from "@opentelemetry/resources";
import { AggregationType, MeterProvider, PeriodicExportingMetricReader } from "@opentelemetry/sdk-metrics";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createReceiver, type Receiver } from "../../src/app/receiver.ts";
import type { RollupRow } from "../../src/model/rollup-store.ts";
import { openSqliteRollupStore } from "../../src/rollup/sqlite-rollup-store.ts";
import { settled } from "../support/fake-clock.ts";
import { valueOf } from "../support/log-entries.ts";
import { otlpRequest } from "../support/otlp-request.ts";
import { postMetrics } from "../support/send-metrics.ts";

const { CUMULATIVE, DELTA, LOWMEMORY } = AggregationTemporalityPreference;
const ATTRIBUTES = { "http.request.method": "POST", "http.route": "/upload/:id", "http.response.status_code": 201 };
/** Body sizes of the requests of three export intervals; one of nothing. */
const ROUNDS: readonly (readonly number[])[] = [[0, 1, 1500], [], [2 ** 31, 7]];
const EXPECTED = {
  requests: 5n,
  request_body_count: 5n,
  latency_count: 5n,
  bytes_in: 2_147_485_156n,
  wire_bytes_in: 2_147_485_656n,
};

let folder: string;
let receiver: Receiver;
let origin: string;
let grpcOrigin: string;
const reports: string[] = [];

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "otel-bandwidth-exporters-"));
  receiver = createReceiver({
    environment: {},
    dataDirectory: folder,
    otlpPort: 0,
    otlpGrpcPort: 0,
    bridgePort: 0,
    processIntervalMillis: 50,
    persistIntervalMillis: 100,
    report: (message) => void reports.push(message),
  });
  const listening = await receiver.start();
  origin = `http://127.0.0.1:${listening.otlpPort}`;
  grpcOrigin = `http://127.0.0.1:${listening.otlpGrpcPort}`;
});
afterAll(async () => {
  await receiver.stop();
  rmSync(folder, { recursive: true, force: true });
  expect(reports).toEqual([]);
});

/** The totals of a service, added up over its rows. */
async function totalsOf(service: string): Promise<Record<string, bigint>> {
  const store = valueOf(openSqliteRollupStore({ file: join(folder, "bandwidth.db") }));
  const rows = valueOf(await store.rows("minute", 0, Number.MAX_SAFE_INTEGER));
  await store.close();
  const own = rows.filter(({ dimensions }) => dimensions.service === service);
  const sum = (read: (row: RollupRow) => bigint): bigint => own.reduce((total, row) => total + read(row), 0n);
  const columns = Object.keys(EXPECTED).map((name) => [name, sum((row) => BigInt(row.values[name] ?? row.requests))]);
  return Object.fromEntries(columns) as Record<string, bigint>;
}

/** The SDK's times are milliseconds, and a first point that ends as it starts says that it does not know its start. */
async function nextMillisecond(): Promise<void> {
  for (const before = Date.now(); Date.now() === before;) await settled();
}

describe("the exporters of the OpenTelemetry JS SDK", () => {
  const exporters = [
    ["JSON", JsonExporter],
    ["protobuf", ProtobufExporter],
    ["gRPC", GrpcExporter],
  ] as const;
  const temporalities = [
    ["cumulative", CUMULATIVE],
    ["delta", DELTA],
    ["lowmemory", LOWMEMORY],
  ] as const;
  const cases = exporters.flatMap(([form, Exporter]) =>
    temporalities.flatMap(([name, temporalityPreference]) =>
      ["none", "gzip"].map((compression) => ({ form, Exporter, name, temporalityPreference, compression })),
    ),
  );

  it.each(cases)(
    "$form, $name, compression $compression",
    async ({ form, Exporter, name, temporalityPreference, compression }) => {
      const service = `${form}-${name}-${compression}`;
      const exporter = new Exporter({
        url: form === "gRPC" ? grpcOrigin : `${origin}/v1/metrics`,
        temporalityPreference,
        compression: compression as never,
      });
      const aggregation = { type: AggregationType.EXPONENTIAL_HISTOGRAM } as const;
      const provider = new MeterProvider({
        resource: resourceFromAttributes({ "service.name": service }),
        readers: [new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 3_600_000 })],
        views: [{ instrumentName: "http.server.request.duration", aggregation }],
      });
      const meter = provider.getMeter("test");
      const size = meter.createHistogram("http.server.request.body.size", { unit: "By" });
      const duration = meter.createHistogram("http.server.request.duration", { unit: "s" });
      const messages = meter.createCounter("bandwidth.http.server.io", { unit: "By" });
      for (const round of ROUNDS) {
        for (const bytes of round) {
          size.record(bytes, ATTRIBUTES);
          duration.record(0.025, ATTRIBUTES);
          messages.add(bytes + 100, { ...ATTRIBUTES, "network.io.direction": "receive" });
        }
        await nextMillisecond();
        await provider.forceFlush();
      }
      await provider.shutdown();
      await expect.poll(() => totalsOf(service), { timeout: 10_000 }).toEqual(EXPECTED);
    },
  );
});

describe("requests made by hand", () => {
  const nowNanos = BigInt(Date.now()) * 1_000_000n;
  const [start, time] = [nowNanos + 1_000_000_000n, nowNanos + 2_000_000_000n];
  const json = (service: string): Buffer =>
    Buffer.from(
      JSON.stringify({
        resourceMetrics: [
          {
            resource: { attributes: [{ key: "service.name", value: { stringValue: service } }] },
            scopeMetrics: [
              {
                scope: { name: "by hand" },
                metrics: [
                  {
                    name: "http.server.request.body.size",
                    unit: "By",
                    histogram: {
                      aggregationTemporality: 2,
                      dataPoints: [
                        {
                          startTimeUnixNano: String(start),
                          timeUnixNano: String(time),
                          count: "2",
                          sum: 1_125_899_906_842_624,
                          bucketCounts: ["1", "1"],
                          explicitBounds: [100],
                        },
                      ],
                    },
                  },
                ],
              },
            ],
          },
        ],
      }),
    );
  const protobuf = (service: string): Buffer => {
    const point = { start, time, count: 2n, sum: 1_125_899_906_842_624, bucketCounts: [1n, 1n], bounds: [100] };
    const metrics = [{ name: "http.server.request.body.size", unit: "By", histogram: [point] }];
    return Buffer.from(otlpRequest([{ attributes: { "service.name": service }, scope: "by hand", metrics }]));
  };
  const FORMS = { "application/json": json, "application/x-protobuf": protobuf } as const;
  const ENCODINGS = { identity: (body: Buffer) => body, gzip: gzipSync, zstd: zstdCompressSync } as const;
  const cases = Object.keys(FORMS).flatMap((form) =>
    Object.keys(ENCODINGS).map((encoding) => [form, encoding] as const),
  );

  it.each(cases)("%s, %s", async (form, encoding) => {
    const service = `${form} ${encoding}`;
    const body = ENCODINGS[encoding as "gzip"](FORMS[form as "application/json"](service));
    const headers = { "content-type": form, "content-encoding": encoding };
    const answer = await postMetrics(origin, body, headers);
    expect([answer.status, answer.headers.get("content-type")]).toEqual([200, form]);
    const expected = {
      requests: 2n,
      request_body_count: 2n,
      latency_count: 0n,
      bytes_in: 1_125_899_906_842_624n,
      wire_bytes_in: 0n,
    };
    await expect.poll(() => totalsOf(service), { timeout: 10_000 }).toEqual(expected);
    // Sent again, as after a lost answer, it changes nothing.
    await postMetrics(origin, body, headers);
    expect((await postMetrics(origin, Buffer.from(protobuf(`${service} end`)))).status).toBe(200);
    await expect.poll(() => totalsOf(`${service} end`), { timeout: 10_000 }).toEqual(expected);
    expect(await totalsOf(service)).toEqual(expected);
  });
});
