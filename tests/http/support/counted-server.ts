/**
 * A real HTTP server on loopback with an instrumentation that counts it.
 */

import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { HttpSizeInstrumentation, type HttpSizeInstrumentationConfig } from "../../../src/http/index.ts";
import { MetricBench } from "./metric-bench.ts";

export interface CountedServer extends AsyncDisposable {
  readonly server: Server;
  readonly port: number;
  readonly metrics: MetricBench;
  readonly instrumentation: HttpSizeInstrumentation;
}

export async function countedServer(
  handler: RequestListener,
  config: HttpSizeInstrumentationConfig = {},
): Promise<CountedServer> {
  const metrics = new MetricBench();
  const instrumentation = new HttpSizeInstrumentation(config);
  instrumentation.setMeterProvider(metrics.provider);
  const server = createServer(handler);
  const port = await listen(server);
  return {
    server,
    port,
    metrics,
    instrumentation,
    async [Symbol.asyncDispose]() {
      await close(server);
      instrumentation.disable();
    },
  };
}

export async function listen(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return (server.address() as AddressInfo).port;
}

export async function close(server: Server): Promise<void> {
  server.closeAllConnections();
  await new Promise<void>((resolve) => server.close(() => resolve()));
}
