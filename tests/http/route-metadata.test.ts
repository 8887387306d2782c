/** A route that only a framework knows reaches instrumentation-http as well, so that the series join. */
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import { context } from "@opentelemetry/api";
import { HttpInstrumentation } from "@opentelemetry/instrumentation-http";
import { createServer, type RequestListener } from "node:http";
import { createRequire } from "node:module";
import { afterAll, beforeAll, expect, test } from "vitest";
import { HttpSizeInstrumentation, koaRoute, setHttpRoute } from "../../src/http/index.ts";
import { close, listen } from "./support/counted-server.ts";
import { MetricBench } from "./support/metric-bench.ts";
import { RawClient } from "./support/raw-client.ts";

const theirs = new HttpInstrumentation();
createRequire(import.meta.url)("http");
theirs.disable();

beforeAll(() => void context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable()));
afterAll(() => context.disable());

const named: RequestListener = (request, response) => {
  const koa = { req: request, _matchedRoute: "/users/:id" };
  void koaRoute()(koa, async () => response.end("answer"));
};

async function routes(handler: RequestListener, request: string): Promise<unknown> {
  const metrics = new MetricBench();
  const ours = new HttpSizeInstrumentation({ enabled: false });
  for (const instrumentation of [ours, theirs]) {
    instrumentation.setMeterProvider(metrics.provider);
    instrumentation.enable();
  }
  const server = createServer(handler);
  const port = await listen(server);
  try {
    const client = await RawClient.open(port);
    client.send(request);
    await client.responses(["POST"]);
    const [duration] = await metrics.until("http.server.request.duration", (readings) => readings.length > 0);
    await client.close();
    const [size] = await metrics.settled(1);
    return [duration?.attributes["http.route"], size?.attributes["http.route"]];
  } finally {
    await close(server);
    for (const instrumentation of [ours, theirs]) instrumentation.disable();
  }
}

const HEAD = "POST /users/7 HTTP/1.1\r\nHost: test\r\nContent-Length: 4\r\n\r\n";

test("after a request that was answered while it was being parsed", async () => {
  expect(await routes(named, `${HEAD}body`)).toEqual(["/users/:id", "/users/:id"]);
});

test("after an answer that did not wait for the body", async () => {
  expect(await routes(named, `${HEAD}b`)).toEqual(["/users/:id", "/users/:id"]);
});

test("what is not a string names nothing and throws nothing", async () => {
  const confused: RequestListener = (request, response) => {
    for (const route of [undefined, null, 7, /users/, ["/a"], ""]) setHttpRoute(request, route as never);
    response.end("answer");
  };
  expect(await routes(confused, `${HEAD}body`)).toEqual([undefined, undefined]);
});
