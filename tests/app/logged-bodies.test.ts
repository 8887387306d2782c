/** What the door let into a log is folded by whoever reads it there, whatever its own settings would let in. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { gzipSync } from "node:zlib";
import { afterEach, beforeEach, expect, it } from "vitest";
import { loadSettings } from "../../src/app/load-settings.ts";
import { createReceiver } from "../../src/app/receiver.ts";
import { embeddedTotalsFile, openLogStores } from "../../src/app/stores.ts";
import type { LogEntryInput } from "../../src/model/ingest-log.ts";
import { logEntry, opened, valueOf } from "../support/log-entries.ts";
import { otlpRequest, type TestMetric } from "../support/otlp-request.ts";
import { nowNanos } from "../support/send-metrics.ts";
import { embeddedColumnSums } from "../support/totals.ts";

const LOWEST_MAX_BODY_BYTES = 1024;
const POINTS = 100;

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "otel-bandwidth-logged-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** What a receiver with larger limits has logged and not yet folded when it ends. */
async function leaveInLog(entry: Partial<LogEntryInput>): Promise<void> {
  const loaded = loadSettings({}, { dataDirectory: folder });
  if (loaded.kind === "failure") throw new Error(loaded.faults.join());
  const stores = valueOf(openLogStores(loaded.settings, () => undefined));
  const { logs } = stores.open({ epoch: 1, shardCount: 1, previousShardCount: 0, wantedShardCount: 1 });
  const log = await opened(logs[0]!);
  valueOf(await log.append(logEntry({ receivedAtMillis: Date.now(), ...entry })));
  await stores.close();
}

async function foldWithLowestLimits(): Promise<void> {
  const receiver = createReceiver({
    environment: {},
    report: () => undefined,
    dataDirectory: folder,
    otlpPort: 0,
    bridgePort: 0,
    maxBodyBytes: LOWEST_MAX_BODY_BYTES,
    bridgeMaxEventBytes: LOWEST_MAX_BODY_BYTES,
  });
  await receiver.start();
  await receiver.stop();
}

function quarantined(): readonly unknown[] {
  const database = new DatabaseSync(embeddedTotalsFile(folder));
  try {
    return database.prepare("SELECT reason FROM ingest_quarantine").all();
  } finally {
    database.close();
  }
}

function received(): TestMetric {
  const [start, time] = [nowNanos() - 1_000_000_000n, nowNanos()];
  const sum = Array.from({ length: POINTS }, (_, number) => ({
    attributes: { "network.io.direction": "receive", number },
    start,
    time,
    value: 5n,
  }));
  return { name: "bandwidth.http.server.io", unit: "By", temporality: "delta", sum };
}

function receivedAsJson(): Buffer {
  const attributes = [{ key: "network.io.direction", value: { stringValue: "receive" } }];
  const dataPoints = Array.from({ length: POINTS }, (_, number) => ({
    attributes: [...attributes, { key: "number", value: { intValue: String(number) } }],
    startTimeUnixNano: String(nowNanos() - 1_000_000_000n),
    timeUnixNano: String(nowNanos()),
    asInt: "5",
  }));
  const sum = { aggregationTemporality: 1, isMonotonic: true, dataPoints };
  const scopeMetrics = [{ metrics: [{ name: "bandwidth.http.server.io", unit: "By", sum }] }];
  return Buffer.from(JSON.stringify({ resourceMetrics: [{ scopeMetrics }] }));
}

it.each<[string, () => Partial<LogEntryInput>]>([
  ["protobuf", () => ({ body: gzipSync(otlpRequest([{ metrics: [received()] }])) })],
  ["protobuf as it is", () => ({ encoding: "identity", body: otlpRequest([{ metrics: [received()] }]) })],
  ["JSON", () => ({ contentType: "json", body: gzipSync(receivedAsJson()) })],
])("is counted by a receiver that would not let it in itself: %s", async (_name, entry) => {
  await leaveInLog(entry());
  await foldWithLowestLimits();
  expect(quarantined()).toEqual([]);
  expect(await embeddedColumnSums(folder)).toEqual({ wire_bytes_in: BigInt(POINTS * 5) });
});
