/** Worker threads and cluster workers under `register`: each is a stream of its own, and the receiver's totals are the client's. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { createReceiver } from "../../src/app/receiver.ts";
import { openSqliteRollupStore } from "../../src/rollup/sqlite-rollup-store.ts";
import { valueOf } from "../support/log-entries.ts";
import { startApp, type ChildApp } from "./support/child-app.ts";
import { FakeOtlpServer } from "./support/fake-otlp-server.ts";
import { PackageFolder } from "./support/package-folder.ts";
import { RawClient } from "./support/raw-client.ts";

const APPS = fileURLToPath(new URL("fixtures/processes", import.meta.url));
const REQUESTS = 60;

vi.setConfig({ testTimeout: 90_000 });

let packages: PackageFolder;
let folder: string;
beforeAll(async () => {
  packages = await PackageFolder.create();
  folder = await packages.install(APPS);
});
afterAll(() => packages[Symbol.asyncDispose]());

interface Totals {
  readonly requests: bigint;
  readonly bytes_in: bigint;
  readonly bytes_out: bigint;
  readonly wire_bytes_in: bigint;
  readonly wire_bytes_out: bigint;
}

/** Sends requests of different sizes to all ports in turn, and counts them. */
async function use(ports: readonly number[]): Promise<Totals> {
  let [bodyIn, bodyOut, wireIn, wireOut] = [0, 0, 0, 0];
  for (let index = 0; index < REQUESTS; index += 1) {
    const client = await RawClient.open(ports[index % ports.length]!);
    const body = "b".repeat(index * 1000);
    client.send(`POST / HTTP/1.1\r\nHost: test\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`);
    const [response] = await client.responses(["POST"]);
    await client.closed();
    bodyIn += body.length;
    bodyOut += response?.bodyBytes ?? 0;
    wireIn += client.sentBytes;
    wireOut += client.receivedBytes;
  }
  return {
    requests: BigInt(REQUESTS),
    bytes_in: BigInt(bodyIn),
    bytes_out: BigInt(bodyOut),
    wire_bytes_in: BigInt(wireIn),
    wire_bytes_out: BigInt(wireOut),
  };
}

async function totalsOf(data: string): Promise<Totals> {
  const store = valueOf(openSqliteRollupStore({ file: join(data, "bandwidth.db") }));
  const rows = valueOf(await store.rows("minute", 0, Number.MAX_SAFE_INTEGER));
  await store.close();
  const servers = rows.filter(({ dimensions }) => dimensions.side === "server");
  const sum = (column: string): bigint => servers.reduce((total, row) => total + BigInt(row.values[column] ?? 0), 0n);
  return {
    requests: servers.reduce((total, row) => total + row.requests, 0n),
    bytes_in: sum("bytes_in"),
    bytes_out: sum("bytes_out"),
    wire_bytes_in: sum("wire_bytes_in"),
    wire_bytes_out: sum("wire_bytes_out"),
  };
}

function start(file: string, endpoint: string, environment: Record<string, string> = {}): Promise<ChildApp> {
  return startApp(folder, ["--import", "otel-bandwidth/register", file], {
    OTEL_SERVICE_NAME: "shop",
    OTEL_EXPORTER_OTLP_ENDPOINT: endpoint,
    ...environment,
  });
}

function portsOf(app: ChildApp): number[] {
  const ports = /^ports (.*)$/m.exec(app.output())?.[1];
  return ports === undefined ? [app.port] : ports.split(" ").map(Number);
}

describe.each([
  ["worker threads", "threads.mjs", 3],
  ["cluster workers", "cluster.mjs", 3],
] as const)("%s", (_name, file, instances) => {
  test("export as protobuf what a receiver adds up to the client's bytes, at the end too", async () => {
    const data = mkdtempSync(join(tmpdir(), "otel-bandwidth-processes-"));
    const reports: string[] = [];
    const receiver = createReceiver({
      environment: {},
      dataDirectory: data,
      otlpPort: 0,
      bridgePort: 0,
      processIntervalMillis: 50,
      persistIntervalMillis: 100,
      report: (message) => void reports.push(message),
    });
    try {
      const endpoint = `http://127.0.0.1:${(await receiver.start()).otlpPort}`;
      // Often, so that streams that were mixed up would jump back and forth.
      const app = await start(file, endpoint, {
        OTEL_EXPORTER_OTLP_PROTOCOL: "http/protobuf",
        OTEL_METRIC_EXPORT_INTERVAL: "100",
      });
      const sent = await use(portsOf(app));
      await app.end();
      await expect.poll(() => totalsOf(data), { timeout: 15_000 }).toEqual(sent);
      expect(reports).toEqual([]);
    } finally {
      await receiver.stop();
      rmSync(data, { recursive: true, force: true });
    }
  });

  test.for([
    ["what the SDK finds out", {}, instances],
    ["what the environment says alone", { OTEL_NODE_RESOURCE_DETECTORS: "env" }, instances],
    ["one service.instance.id for all", { OTEL_RESOURCE_ATTRIBUTES: "service.instance.id=one" }, 1],
  ] as const)("have an identity each, with %s", async ([, environment, expectedIds]) => {
    await using receiver = new FakeOtlpServer();
    const app = await start(file, await receiver.listen(), {
      OTEL_EXPORTER_OTLP_PROTOCOL: "http/json",
      OTEL_METRIC_EXPORT_INTERVAL: "3600000",
      ...environment,
    });
    await use(portsOf(app));
    await app.end();
    const resources = receiver.requests.flatMap(({ resourceMetrics }) => resourceMetrics).map(identityOf);
    expect(new Set(resources.map((identity) => JSON.stringify(identity))).size).toBe(instances);
    const ids = new Set(resources.map((identity) => identity["service.instance.id"]));
    expect(ids.size).toBe(expectedIds);
  });
});

test("a fault at the start is printed, and the app runs unmeasured", async () => {
  const breakSdk = `import { registerHooks } from "node:module";
    registerHooks({ resolve: (name, context, next) => next(name === "@opentelemetry/sdk-node" ? "it-is-broken" : name, context) });`;
  const hooks = `data:text/javascript,${encodeURIComponent(breakSdk)}`;
  const app = await startApp(folder, ["--import", hooks, "--import", "otel-bandwidth/register", "threads.mjs"], {});
  expect((await use(portsOf(app))).requests).toBe(BigInt(REQUESTS));
  expect(await app.end()).toBe("SIGTERM");
  expect(app.output()).toContain("otel-bandwidth/register: could not start, the app runs unmeasured");
  expect(app.output()).toContain("it-is-broken");
});

/** What the resource says of which instance it is. */
function identityOf(resourceMetrics: unknown): Record<string, unknown> {
  const { resource } = resourceMetrics as {
    resource: { attributes: { key: string; value: { stringValue?: string; intValue?: number } }[] };
  };
  const names = new Set(["service.instance.id", "process.pid", "thread.id"]);
  const own = resource.attributes.filter(({ key }) => names.has(key));
  return Object.fromEntries(own.map(({ key, value }) => [key, value.stringValue ?? value.intValue]));
}
