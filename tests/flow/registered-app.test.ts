/** What an app under `register` read and wrote is in the totals, byte for byte, however it is exported. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { createReceiver, type Receiver } from "../../src/app/receiver.ts";
import { openSqliteRollupStore } from "../../src/rollup/sqlite-rollup-store.ts";
import { RawClient } from "../http/support/raw-client.ts";
import { endRegistered, startRegistered } from "../http/support/registered-app.ts";
import { valueOf } from "../support/log-entries.ts";

const TIMEOUT_MILLIS = 30_000;
const BODIES: readonly number[] = [0, 1, 0, 1_500, 70_000, 1_500];

let folder: string;
let receiver: Receiver;
let origin: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "otel-bandwidth-registered-"));
  receiver = createReceiver({
    environment: {},
    dataDirectory: folder,
    otlpPort: 0,
    bridgePort: 0,
    processIntervalMillis: 50,
    persistIntervalMillis: 100,
    report: () => {},
  });
  origin = `http://127.0.0.1:${(await receiver.start()).otlpPort}`;
});
afterAll(async () => {
  await receiver.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** The totals of a service, added up over its rows. */
async function totalsOf(service: string): Promise<Record<string, number>> {
  const store = valueOf(openSqliteRollupStore({ file: join(folder, "bandwidth.db") }));
  const rows = valueOf(await store.rows("minute", 0, Number.MAX_SAFE_INTEGER));
  await store.close();
  const own = rows.filter(({ dimensions }) => dimensions.service === service && dimensions.side === "server");
  const sum = (name: (typeof COLUMNS)[number]): number =>
    own.reduce((total, { values }) => total + Number(values[name]), 0);
  return Object.fromEntries(COLUMNS.map((name) => [name, sum(name)]));
}

const COLUMNS = [
  "request_body_count",
  "response_body_count",
  "bytes_in",
  "bytes_out",
  "wire_bytes_in",
  "wire_bytes_out",
  "connection_bytes_in",
  "connection_bytes_out",
] as const;

const CASES = [
  { temporality: "cumulative", aggregation: "base2_exponential_bucket_histogram" },
  { temporality: "cumulative", aggregation: "explicit_bucket_histogram" },
  { temporality: "delta", aggregation: "base2_exponential_bucket_histogram" },
  { temporality: "lowmemory", aggregation: "explicit_bucket_histogram" },
];

it.each(CASES)("$temporality, $aggregation", { timeout: TIMEOUT_MILLIS }, async ({ temporality, aggregation }) => {
  const service = `${temporality}-${aggregation}`;
  const app = await startRegistered("echo-app.mjs", {
    OTEL_SERVICE_NAME: service,
    OTEL_EXPORTER_OTLP_ENDPOINT: origin,
    OTEL_METRIC_EXPORT_INTERVAL: "100",
    OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE: temporality,
    OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION: aggregation,
  });
  let [sent, received] = [0, 0];
  for (const [index, bytes] of BODIES.entries()) {
    const client = await RawClient.open(app.port);
    client.send(`POST / HTTP/1.1\r\nHost: test\r\nConnection: close\r\nContent-Length: ${bytes}\r\n\r\n`);
    client.send("x".repeat(bytes));
    await client.closed();
    sent += client.sentBytes;
    received += client.receivedBytes;
    // The next ones fall into a later interval.
    if (index % 2 === 1)
      await expect
        .poll(async () => (await totalsOf(service))["response_body_count"], { timeout: 10_000 })
        .toBe(index + 1);
  }
  expect(await endRegistered(app, (child) => void child.send("stop")), app.output()).toEqual([0, null]);
  const bodyBytes = BODIES.reduce((sum, bytes) => sum + bytes, 0);
  await expect
    .poll(() => totalsOf(service), { timeout: 10_000 })
    .toEqual({
      request_body_count: BODIES.length,
      response_body_count: BODIES.length,
      bytes_in: bodyBytes,
      bytes_out: 2 * bodyBytes,
      wire_bytes_in: sent,
      wire_bytes_out: received,
      connection_bytes_in: sent,
      connection_bytes_out: received,
    });
});
