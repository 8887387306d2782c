import type { RequestListener } from "node:http";
import { expect, test } from "vitest";
import { CellInstruments, type CellMetric } from "../../src/http/cells/cell-instruments.ts";
import { HttpSizeInstrumentation } from "../../src/http/index.ts";
import { createServer } from "node:http";
import { close, listen } from "./support/counted-server.ts";
import { MetricBench } from "./support/metric-bench.ts";
import { RawClient } from "./support/raw-client.ts";

const GET = "GET / HTTP/1.1\r\nHost: test\r\n\r\n";
const CUMULATIVE = { counter: "cumulative", histogram: "cumulative" } as const;
const hello: RequestListener = (_request, response) => response.end("hello");

function cells(): CellInstruments {
  return new CellInstruments({ histograms: { kind: "explicit" }, histogramLimit: 100, counterLimit: 100 });
}

function collected(instruments: CellInstruments): Record<string, CellMetric> {
  return Object.fromEntries(
    instruments.collect(CUMULATIVE, Date.now()).map((metric) => [metric.options.name, metric] as const),
  );
}

async function get(port: number): Promise<RawClient> {
  const client = await RawClient.open(port);
  client.send(GET);
  await client.responses(["GET"]);
  await client.close();
  return client;
}

test("counts into instruments of its own, whatever meter provider is set, and goes on after a pause", async () => {
  const instruments = cells();
  const bench = new MetricBench();
  const instrumentation = new HttpSizeInstrumentation({}, instruments);
  instrumentation.setMeterProvider(bench.provider);
  const server = createServer(hello);
  const port = await listen(server);
  try {
    const first = await get(port);
    await expect.poll(() => collected(instruments)["http.server.response.body.size"]).toBeDefined();
    instrumentation.disable();
    await get(port);
    instrumentation.enable();
    await get(port);
    const points = (name: string): CellMetric["points"] => collected(instruments)[name]?.points ?? [];
    await expect
      .poll(() => points("http.server.response.body.size")[0]?.value)
      .toMatchObject({ count: 2, sum: 10, min: 5, max: 5 });
    expect(points("http.server.response.body.size")).toHaveLength(1);
    const io = Object.fromEntries(
      points("bandwidth.http.server.io").map(({ attributes, value }) => [attributes["network.io.direction"], value]),
    );
    expect(io).toEqual({ receive: 2 * first.sentBytes, transmit: 2 * first.receivedBytes });
    expect(await bench.names()).toEqual([]);
  } finally {
    await close(server);
    instrumentation.disable();
  }
});
