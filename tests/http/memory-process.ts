/**
 * Counts requests in memory and tells how many bytes the heap grew by. Run with `--expose-gc`; arguments: where sizes go
 * (`cells` or `sdk`), requests to warm up with, requests to look at.
 */

import { metrics } from "@opentelemetry/api";
import { MeterProvider, MetricReader } from "@opentelemetry/sdk-metrics";
import { createServer } from "node:http";
import { sendRequests } from "../../bench/loop-connection.ts";
import { CellInstruments } from "../../src/http/cells/cell-instruments.ts";
import { HttpSizeInstrumentation, setHttpRoute } from "../../src/http/index.ts";

const [kind, warmUp, measured] = process.argv.slice(2);
const CONNECTIONS = 50;
const ROUTES = 20;
const BODY = "x".repeat(1024);
const REQUEST = Buffer.from(`POST /a HTTP/1.1\r\nHost: test\r\nContent-Length: ${String(BODY.length)}\r\n\r\n${BODY}`);
const TEMPORALITIES = { counter: "cumulative", histogram: "cumulative" } as const;

class ManualReader extends MetricReader {
  protected override async onForceFlush(): Promise<void> {}
  protected override async onShutdown(): Promise<void> {}
}

const cells = new CellInstruments({
  histograms: { kind: "exponential", maxSize: 160 },
  histogramLimit: 2_000,
  counterLimit: 4_000,
});
const reader = new ManualReader();
metrics.setGlobalMeterProvider(new MeterProvider({ readers: [reader] }));
const instrumentation = new HttpSizeInstrumentation({}, kind === "cells" ? cells : undefined);

let count = 0;
const server = createServer((request, response) => {
  count += 1;
  setHttpRoute(request, `/routes/${String(count % ROUTES)}`);
  request.resume().on("end", () => response.end(BODY.slice(0, count % BODY.length)));
});

async function send(requests: number): Promise<void> {
  for (let connection = 0; connection < CONNECTIONS; connection += 1)
    await sendRequests(server, REQUEST, requests / CONNECTIONS);
  cells.collect(TEMPORALITIES, Date.now());
  await reader.collect();
}

async function heapBytes(): Promise<number> {
  for (let round = 0; round < 3; round += 1) {
    await new Promise((resolve) => setImmediate(resolve));
    globalThis.gc?.();
  }
  return process.memoryUsage().heapUsed;
}

await send(Number(warmUp));
const before = await heapBytes();
await send(Number(measured));
const after = await heapBytes();
process.send?.({ grownBytes: after - before, requests: count, faults: instrumentation.faultCount });
