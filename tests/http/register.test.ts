import { fork, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { attributesOf, FakeOtlpServer } from "./support/fake-otlp-server.ts";
import { RawClient } from "./support/raw-client.ts";

const REGISTER = new URL("../../src/app/register.ts", import.meta.url).href;
const TIMEOUT_MILLIS = 30_000;
const GET = "GET /api/users/7 HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n";
const HOUR = "3600000";

interface App {
  readonly child: ChildProcess;
  readonly port: number;
  readonly output: () => string;
}

async function start(fixture: string, environment: Record<string, string>): Promise<App> {
  const child = fork(fileURLToPath(new URL(`fixtures/${fixture}`, import.meta.url)), {
    execArgv: ["--import", REGISTER],
    env: { ...cleanEnvironment(), ...environment },
    stdio: ["ignore", "pipe", "pipe", "ipc"],
  });
  let output = "";
  child.stdout?.on("data", (text) => (output += text));
  child.stderr?.on("data", (text) => (output += text));
  const [message] = (await Promise.race([once(child, "message"), failOnExit(child, () => output)])) as [
    { port: number },
  ];
  return { child, port: message.port, output: () => output };
}

async function failOnExit(child: ChildProcess, output: () => string): Promise<never> {
  await once(child, "exit");
  throw new Error(`the app ended: ${output()}`);
}

function cleanEnvironment(): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !name.startsWith("OTEL_") && name !== "NODE_OPTIONS"),
  );
}

async function request(port: number): Promise<RawClient> {
  const client = await RawClient.open(port);
  client.send(GET);
  await client.closed();
  return client;
}

/** Resolves with how the app ended. */
async function end(
  app: App,
  how: (child: ChildProcess) => void,
): Promise<[code: number | null, signal: string | null]> {
  const exit = once(app.child, "exit");
  how(app.child);
  return (await exit) as [number | null, string | null];
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
  await end(app, stop);
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
