import { context, createContextKey, ROOT_CONTEXT } from "@opentelemetry/api";
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import { HttpInstrumentation } from "@opentelemetry/instrumentation-http";
import { UndiciInstrumentation } from "@opentelemetry/instrumentation-undici";
import type * as Http from "node:http";
import { createRequire } from "node:module";
import { createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { afterEach, beforeEach, expect, test } from "vitest";
import { HttpSizeInstrumentation } from "../../src/http/index.ts";
import { MetricBench, type Reading } from "./support/metric-bench.ts";

const require = createRequire(import.meta.url);

// It patches once a process, at the first require; after that it is switched on and off.
const theirHttp = new HttpInstrumentation();
const http = require("http") as typeof Http;
theirHttp.disable();
const theirUndici = new UndiciInstrumentation();
theirUndici.disable();

let server: Server;
const sockets: Socket[] = [];
let port: number;
let metrics: MetricBench;
let ours: HttpSizeInstrumentation;

beforeEach(async () => {
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  server = createServer((socket) => {
    sockets.push(socket);
    socket.on("error", () => {});
    socket.on("data", (data) => {
      const path = /^\S+ \/([^\s?]*)/.exec(data.toString("latin1"))?.[1] ?? "";
      if (path === "gone") socket.destroy();
      else if (path === "cut") socket.end("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf");
      else if (/^\d+$/.test(path)) socket.write(`HTTP/1.1 ${path} Some\r\nContent-Length: 5\r\n\r\nhello`);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  port = (server.address() as AddressInfo).port;
  metrics = new MetricBench();
  ours = new HttpSizeInstrumentation();
  for (const instrumentation of [ours, theirHttp, theirUndici]) instrumentation.setMeterProvider(metrics.provider);
  for (const instrumentation of [theirHttp, theirUndici]) instrumentation.enable();
});

afterEach(async () => {
  for (const instrumentation of [ours, theirHttp, theirUndici]) instrumentation.disable();
  for (const socket of sockets.splice(0)) socket.destroy();
  await new Promise<void>((resolve) => server.close(() => resolve()));
  context.disable();
});

function sorted(readings: readonly Reading[]): unknown[] {
  const textOf = (set: object): string => JSON.stringify(Object.entries(set).map(String).toSorted());
  return readings
    .map(({ attributes, count }) => ({ ...attributes, count }))
    .toSorted((a, b) => textOf(a).localeCompare(textOf(b)));
}

/** Waits until both have recorded `calls` and compares all their attribute sets. */
async function expectToJoin(calls: number): Promise<void> {
  const all = (readings: Reading[]): boolean => readings.reduce((sum, { count }) => sum + count, 0) >= calls;
  const durations = await metrics.until("http.client.request.duration", all);
  for (const side of ["request", "response"]) {
    const sizes = await metrics.until(`http.client.${side}.body.size`, all);
    expect(sorted(sizes)).toEqual(sorted(durations));
  }
}

async function call(options: Http.RequestOptions | string, body = "body"): Promise<void> {
  const request = http.request(options as Http.RequestOptions, (response) => response.on("error", () => {}).resume());
  request.on("error", () => {});
  request.end(body);
  if (!request.closed) await new Promise<void>((resolve) => request.once("close", () => resolve()));
}

const NODE_CALLS: Readonly<Record<string, () => Promise<void>>> = {
  "a good response": () => call({ port, host: "127.0.0.1", path: "/200", method: "POST" }),
  "a url as text": () => call(`http://127.0.0.1:${port}/204`, ""),
  "a name instead of an address": () => call({ port, host: "localhost", path: "/200", method: "PATCH", family: 4 }),
  "a Host of the app's own": () => call({ port, host: "127.0.0.1", path: "/200", headers: { Host: "elsewhere" } }, ""),
  "a client error": () => call({ port, host: "127.0.0.1", path: "/404" }, ""),
  "a server error": () => call({ port, host: "127.0.0.1", path: "/503" }, ""),
  "an unknown method": () => call({ port, host: "127.0.0.1", path: "/200", method: "PURGE" }),
  "a server that leaves without a word": () => call({ port, host: "127.0.0.1", path: "/gone" }, ""),
  "a response that is cut": () => call({ port, host: "127.0.0.1", path: "/cut" }, ""),
  "nobody on the port": () => call({ port: 1, host: "127.0.0.1", path: "/200" }, ""),
  "a request that is aborted": async () => {
    const request = http.request({ port, host: "127.0.0.1", path: "/never" });
    request.on("error", () => {});
    request.on("socket", () => setImmediate(() => request.destroy()));
    request.end();
    await new Promise<void>((resolve) => request.once("close", () => resolve()));
  },
};

test.for(Object.keys(NODE_CALLS))("joins with the duration of instrumentation-http: %s", async (name) => {
  await NODE_CALLS[name]?.();
  await expectToJoin(1);
});

async function fetched(path: string, init: RequestInit = {}): Promise<void> {
  try {
    await (await fetch(`http://127.0.0.1:${path}`, init)).arrayBuffer();
  } catch {
    // What failed is recorded as well.
  }
}

const FETCH_CALLS: Readonly<Record<string, () => Promise<void>>> = {
  "a good response": () => fetched(`${port}/200`, { method: "POST", body: "body" }),
  "a client error": () => fetched(`${port}/404?query`),
  "a server error": () => fetched(`${port}/503`),
  "an unknown method": () => fetched(`${port}/200`, { method: "PURGE" }),
  "a server that leaves without a word": () => fetched(`${port}/gone`),
  "a response that is cut": () => fetched(`${port}/cut`),
  "nobody on the port": () => fetched(`2/200`),
  "a request that is aborted": () => fetched(`${port}/never`, { signal: AbortSignal.timeout(20) }),
  "a request that is aborted by hand": async () => {
    const controller = new AbortController();
    const pending = fetched(`${port}/never`, { signal: controller.signal });
    server.once("connection", () => setImmediate(() => controller.abort()));
    await pending;
  },
};

test.for(Object.keys(FETCH_CALLS))("joins with the duration of instrumentation-undici: %s", async (name) => {
  await FETCH_CALLS[name]?.();
  await expectToJoin(1);
});

test("leaves out what runs in a suppressed context, as exporters do", async () => {
  const key = createContextKey("OpenTelemetry SDK Context Key SUPPRESS_TRACING");
  await context.with(ROOT_CONTEXT.setValue(key, true), async () => {
    await call({ port, host: "127.0.0.1", path: "/200" }, "");
    await fetched(`${port}/200`);
  });
  await call({ port, host: "127.0.0.1", path: "/201" }, "");
  const readings = await metrics.until("http.client.response.body.size", (points) => points.length > 0);
  expect(readings.map(({ attributes, count }) => [attributes["http.response.status_code"], count])).toEqual([[201, 1]]);
});

test("past maxAttributeSets calls lose their server, not their bytes", async () => {
  ours.setConfig({ maxAttributeSets: 2 });
  for (const status of [200, 201, 202, 203]) await call({ port, host: "127.0.0.1", path: `/${status}` }, "");
  const readings = await metrics.until(
    "http.client.response.body.size",
    (points) => points.reduce((sum, { count }) => sum + count, 0) === 4,
  );
  expect(readings.map(({ attributes }) => attributes["server.address"])).toEqual([
    "127.0.0.1",
    "127.0.0.1",
    "_OTHER",
    "_OTHER",
  ]);
  expect(readings.reduce((sum, { value }) => sum + value, 0)).toBe(20);
});
