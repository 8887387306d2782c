import { Agent, createServer, request, type Server } from "node:http";
import { expect, test } from "vitest";
import { HttpSizeInstrumentation } from "../../src/http/index.ts";
import { close, listen } from "./support/counted-server.ts";
import { MetricBench } from "./support/metric-bench.ts";
import { heapBytes } from "./support/settle-heap.ts";

/** `HTTP_MEMORY_REQUESTS=1000000` for a long run; a tenth as many connections. */
const REQUESTS = Number(process.env["HTTP_MEMORY_REQUESTS"] ?? 20_000);
const REQUESTS_A_CONNECTION = 10;
const AT_ONCE = 50;
/** What the heap may grow by over the second half of the run, whatever its length. */
const ALLOWED_BYTES = 2_000_000;
const TIMEOUT_MILLIS = 240_000 + REQUESTS;

async function send(port: number, agent: Agent, index: number): Promise<void> {
  const chunked = index % 2 === 0;
  await new Promise<void>((resolve) => {
    const call = request({ port, host: "127.0.0.1", agent, method: "POST" }, (response) => {
      // Every hundredth leaves in the middle of the response.
      if (index % 100 === 0) call.destroy();
      else response.resume();
    });
    call.on("error", () => {}).once("close", () => resolve());
    if (chunked) call.write("a piece, ");
    call.end("the end");
  });
}

/** Sends `count` requests, a new connection for every tenth. */
async function load(port: number, count: number): Promise<void> {
  const perRound = AT_ONCE * REQUESTS_A_CONNECTION;
  for (let sent = 0; sent < count; sent += perRound) {
    const agent = new Agent({ keepAlive: true, maxSockets: AT_ONCE });
    await Promise.all(Array.from({ length: perRound }, (_, index) => send(port, agent, index)));
    agent.destroy();
  }
}

test("the heap stays flat over many requests and connections, on both sides", { timeout: TIMEOUT_MILLIS }, async () => {
  const metrics = new MetricBench();
  const instrumentation = new HttpSizeInstrumentation();
  instrumentation.setMeterProvider(metrics.provider);
  const server: Server = createServer((incoming, response) => {
    incoming.resume().on("end", () => {
      response.write("some ");
      response.end("answer");
    });
  });
  const port = await listen(server);
  try {
    await load(port, REQUESTS / 2);
    await metrics.readings("bandwidth.http.server.io");
    const before = await heapBytes();
    await load(port, REQUESTS / 2);
    await metrics.readings("bandwidth.http.server.io");
    const grown = (await heapBytes()) - before;
    const counted = (await metrics.readings("http.client.response.body.size")).reduce(
      (sum, { count }) => sum + count,
      0,
    );
    expect(counted).toBe(REQUESTS);
    expect(grown).toBeLessThan(ALLOWED_BYTES);
    expect(instrumentation.faultCount).toBe(0);
  } finally {
    await close(server);
    instrumentation.disable();
  }
});
