import { context, diag, type DiagLogger } from "@opentelemetry/api";
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { once } from "node:events";
import { createServer, request, type ClientRequest, type IncomingMessage, type Server } from "node:http";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { HttpSizeInstrumentation } from "../../src/http/index.ts";
import { close, listen } from "./support/counted-server.ts";
import { MetricBench } from "./support/metric-bench.ts";

const silent: DiagLogger = { error() {}, warn() {}, info() {}, debug() {}, verbose() {} };

let server: Server;
let port: number;
let metrics: MetricBench;
let ours: HttpSizeInstrumentation;

beforeEach(async () => {
  server = createServer((incoming, response) => incoming.resume().on("end", () => response.end("answer")));
  port = await listen(server);
  metrics = new MetricBench();
  ours = new HttpSizeInstrumentation();
  ours.setMeterProvider(metrics.provider);
});

afterEach(async () => {
  ours.disable();
  diag.disable();
  vi.resetModules();
  await close(server);
});

function open(): ClientRequest {
  return request({ port, host: "127.0.0.1", method: "POST" });
}

async function whole(call: ClientRequest): Promise<void> {
  call.end("body");
  const [response] = (await once(call, "response")) as [IncomingMessage];
  const closed = once(call, "close");
  await once(response.resume(), "end");
  await closed;
}

async function fetched(): Promise<void> {
  await (await fetch(`http://127.0.0.1:${port}/`, { method: "POST", body: "body" })).text();
}

async function recorded(): Promise<number> {
  const readings = await metrics.readings("http.client.response.body.size");
  return readings.reduce((sum, { count }) => sum + count, 0);
}

test("disable() stops counting calls, also those under way; enable() counts again", async () => {
  const underWay = open();
  ours.disable();
  await whole(underWay);
  await whole(open());
  await fetched();
  expect(await recorded()).toBe(0);
  ours.enable();
  await whole(open());
  await fetched();
  expect(await recorded()).toBe(2);
  expect(await metrics.total("http.client.request.body.size")).toBe(8);
});

test("a meter that throws does not reach the host", async () => {
  diag.setLogger(silent);
  const meter = new MetricBench().provider.getMeter("throwing");
  meter.createHistogram = () => ({
    record() {
      throw new Error("the meter is broken");
    },
  });
  ours.setMeterProvider({ getMeter: () => meter });
  await whole(open());
  await fetched();
  expect(ours.faultCount, "a call is a fault on both sides").toBe(4);
});

test("two copies of the package count every call once", async () => {
  diag.setLogger(silent);
  vi.resetModules();
  const second = await import("../../src/http/index.ts");
  const other = new second.HttpSizeInstrumentation();
  other.setMeterProvider(metrics.provider);
  await whole(open());
  await fetched();
  other.disable();
  expect(second.HttpSizeInstrumentation).not.toBe(HttpSizeInstrumentation);
  expect(await recorded()).toBe(2);
  expect(await metrics.total("http.client.response.body.size")).toBe(12);
});

test("leaves out OTLP exporters where no context manager can tell that they run, but not what an app passes on", async () => {
  const headers = { "User-Agent": "shop/1.0 OTel-OTLP-Exporter-JavaScript/0.301.0" };
  const send = (): Promise<void> => whole(request({ port, host: "127.0.0.1", method: "POST", headers }));
  await send();
  expect(await recorded()).toBe(0);
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  try {
    await send();
    expect(await recorded()).toBe(1);
  } finally {
    context.disable();
  }
});

test("a piece of a body that cannot be measured goes to undici as it would without us", async () => {
  diag.setLogger(silent);
  const sent: unknown[] = [];
  const onCreate = (message: unknown): void => {
    const { request: created } = message as { request: { onBodySent?: (chunk: unknown) => unknown } };
    const counting = created.onBodySent!.bind(created);
    created.onBodySent = (chunk) => {
      sent.push(chunk);
      return counting(null);
    };
  };
  subscribe("undici:request:create", onCreate);
  try {
    await fetched();
  } finally {
    unsubscribe("undici:request:create", onCreate);
  }
  expect(sent).not.toEqual([]);
  expect(ours.faultCount).toBe(sent.length);
});

test("a request without listeners fails and ends as it would without us", async () => {
  const call = open();
  expect(call.listenerCount("error"), "an error nobody listens to still ends the process").toBe(0);
  expect(call.listenerCount("response"), "a response nobody listens to is still thrown away").toBe(0);
  call.end();
  await once(call, "close");
  expect(await recorded()).toBe(1);
});
