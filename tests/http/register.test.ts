import type { ChildProcess } from "node:child_process";
import { expect, test } from "vitest";
import { attributesOf, FakeOtlpServer } from "./support/fake-otlp-server.ts";
import { RawClient } from "./support/raw-client.ts";
import { endRegistered as end, startRegistered as start } from "./support/registered-app.ts";

const TIMEOUT_MILLIS = 30_000;
const GET = "GET /api/users/7 HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n";
const HOUR = "3600000";

async function request(port: number): Promise<RawClient> {
  const client = await RawClient.open(port);
  client.send(GET);
  await client.closed();
  return client;
}

const stop = (child: ChildProcess): void => void child.send("stop");

test.for(["express-app.mjs", "express-app.cjs"])(
  "measures an app that knows nothing of it: %s",
  { timeout: TIMEOUT_MILLIS },
  async (fixture) => {
    await using receiver = new FakeOtlpServer();
    const app = await start(fixture, {
      OTEL_EXPORTER_OTLP_ENDPOINT: await receiver.listen(),
      OTEL_EXPORTER_OTLP_METRICS_PROTOCOL: "http/json",
      OTEL_METRIC_EXPORT_INTERVAL: HOUR,
    });
    const client = await request(app.port);
    expect(await end(app, stop), app.output()).toEqual([0, null]);

    const [duration] = receiver.points("http.server.request.duration");
    const [response] = receiver.points("http.server.response.body.size");
    expect(attributesOf(duration)["http.route"]).toBe("/api/users/:id");
    expect(attributesOf(response)).toEqual(attributesOf(duration));
    expect(response).toMatchObject({ count: 1, sum: 5 });
    expect(receiver.points("http.server.request.body.size")[0]).toMatchObject({ count: 1, sum: 0 });
    const io = Object.fromEntries(
      receiver
        .points("bandwidth.http.server.io")
        .map((point) => [attributesOf(point)["network.io.direction"], Number(point.asInt)]),
    );
    expect(io).toEqual({ receive: client.sentBytes, transmit: client.receivedBytes });
    for (const name of [
      "bandwidth.http.server.io",
      "bandwidth.http.server.connection.io",
      "http.server.request.duration",
    ]) {
      for (const { startTimeUnixNano, timeUnixNano } of receiver.points(name)) {
        expect(BigInt(startTimeUnixNano) < BigInt(timeUnixNano), "starts with the process").toBe(true);
      }
    }
    expect(new Set(receiver.paths), "no traces, no logs").toEqual(new Set(["/v1/metrics"]));
    expect(app.output()).toBe("");
  },
);

test("exports on SIGTERM and lets the signal end the app", { timeout: TIMEOUT_MILLIS }, async () => {
  await using receiver = new FakeOtlpServer();
  const app = await start("express-app.mjs", {
    OTEL_EXPORTER_OTLP_ENDPOINT: await receiver.listen(),
    OTEL_EXPORTER_OTLP_PROTOCOL: "http/json",
    OTEL_METRIC_EXPORT_INTERVAL: HOUR,
  });
  await request(app.port);
  expect(await end(app, (child) => void child.kill("SIGTERM"))).toEqual([null, "SIGTERM"]);
  expect(receiver.points("http.server.response.body.size")[0]).toMatchObject({ count: 1, sum: 5 });
});

test("exports periodically", { timeout: TIMEOUT_MILLIS }, async () => {
  await using receiver = new FakeOtlpServer();
  const app = await start("express-app.mjs", {
    OTEL_EXPORTER_OTLP_ENDPOINT: await receiver.listen(),
    OTEL_EXPORTER_OTLP_PROTOCOL: "http/json",
    OTEL_METRIC_EXPORT_INTERVAL: "100",
  });
  await request(app.port);
  await expect.poll(() => receiver.points("http.server.response.body.size")[0]?.sum, { timeout: 10_000 }).toBe(5);
  const exports = receiver.requests.length;
  await expect.poll(() => receiver.requests.length, { timeout: 10_000 }).toBeGreaterThan(exports + 2);
  expect(receiver.points("http.client.request.body.size"), "exports are not the app's calls").toEqual([]);
  await end(app, stop);
});

test(
  "gives the duration of a request that was given up the attributes of its sizes",
  { timeout: TIMEOUT_MILLIS },
  async () => {
    await using receiver = new FakeOtlpServer();
    const app = await start("express-app.mjs", {
      OTEL_EXPORTER_OTLP_ENDPOINT: await receiver.listen(),
      OTEL_EXPORTER_OTLP_PROTOCOL: "http/json",
      OTEL_METRIC_EXPORT_INTERVAL: HOUR,
    });
    for (const [path, answer] of Object.entries(GIVEN_UP)) {
      const client = await RawClient.open(app.port);
      client.send(GET.replace("users/7", path));
      // What the app prints shows that the request has come; a piece of the response that it has begun.
      await expect.poll(() => app.output()).toContain(`handles ${path}`);
      await expect.poll(() => client.received().toString()).toContain(answer);
      client.socket.destroy();
      await expect.poll(() => app.output()).toContain(`closed ${path}`);
    }
    await request(app.port);
    for (const path of ["missing", "broken"]) {
      const client = await RawClient.open(app.port);
      client.send(GET.replace("users/7", path));
      await client.closed();
    }
    await end(app, stop);
    const durations = setsOf(receiver, "http.server.request.duration");
    expect(setsOf(receiver, "http.server.response.body.size")).toEqual(durations);
    expect(setsOf(receiver, "http.server.request.body.size")).toEqual(durations);
    const told = durations.map(({ set }) => [set["http.route"], set["http.response.status_code"], set["error.type"]]);
    expect(told).toEqual([
      ["/api", 404, undefined],
      ["/api/broken", 500, "500"],
      ["/api/silent", undefined, "aborted"],
      ["/api/slow", 200, "aborted"],
      ["/api/users/:id", 200, undefined],
    ]);
  },
);

const GIVEN_UP = { silent: "", slow: "a piece" } as const;

function setsOf(receiver: FakeOtlpServer, metric: string) {
  return receiver
    .points(metric)
    .map((point) => ({ set: attributesOf(point), count: point.count }))
    .toSorted((a, b) => String(a.set["http.route"]).localeCompare(String(b.set["http.route"])));
}

test("exports at the end what it is asked to export elsewhere", { timeout: TIMEOUT_MILLIS }, async () => {
  const app = await start("express-app.mjs", {
    OTEL_METRICS_EXPORTER: "console",
    OTEL_METRIC_EXPORT_INTERVAL: HOUR,
  });
  await request(app.port);
  expect(await end(app, (child) => void child.kill("SIGTERM"))).toEqual([null, "SIGTERM"]);
  expect(app.output()).toContain("http.server.response.body.size");
});

const SWITCHES = [
  ["METRICS_ENABLED", "false"],
  ["OTEL_SDK_DISABLED", "true"],
] as const;

test.for(SWITCHES)("%s=%s measures nothing", { timeout: TIMEOUT_MILLIS }, async ([name, value]) => {
  await using receiver = new FakeOtlpServer();
  const app = await start("express-app.mjs", {
    [name]: value,
    OTEL_EXPORTER_OTLP_ENDPOINT: await receiver.listen(),
    OTEL_METRIC_EXPORT_INTERVAL: "100",
  });
  const client = await request(app.port);
  expect(client.received().toString()).toContain("hello");
  expect(await end(app, (child) => void child.kill("SIGTERM"))).toEqual([null, "SIGTERM"]);
  expect(receiver.requests).toEqual([]);
});

test("an app whose receiver is away answers and ends as ever", { timeout: TIMEOUT_MILLIS }, async () => {
  const app = await start("express-app.cjs", {
    OTEL_EXPORTER_OTLP_ENDPOINT: "http://127.0.0.1:9",
    OTEL_LOG_LEVEL: "none",
  });
  const client = await request(app.port);
  expect(client.received().toString()).toContain("hello");
  expect(await end(app, stop)).toEqual([0, null]);
});
