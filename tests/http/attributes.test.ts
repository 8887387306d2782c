import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import { context, createContextKey } from "@opentelemetry/api";
import { readFile } from "node:fs/promises";
import type { RequestListener } from "node:http";
import { afterEach, expect, test } from "vitest";
import { HttpSizeInstrumentation, setHttpRoute } from "../../src/http/index.ts";
import { countedServer } from "./support/counted-server.ts";
import { RawClient } from "./support/raw-client.ts";

afterEach(() => context.disable());

async function exchange(port: number, methods: readonly string[], bytes: string): Promise<void> {
  const client = await RawClient.open(port);
  client.send(bytes);
  await client.responses(methods);
  await client.close();
}

const hello: RequestListener = (_request, response) => response.end("hello");
const GET = "GET / HTTP/1.1\r\nHost: test\r\n\r\n";

test("carries the attributes of http.server.request.duration", async () => {
  await using app = await countedServer(hello);
  await exchange(app.port, ["GET"], GET);
  const [reading] = await app.metrics.settled(1);
  expect(reading?.attributes).toEqual({
    "http.request.method": "GET",
    "http.response.status_code": 200,
    "network.protocol.version": "1.1",
    "url.scheme": "http",
  });
});

test("names unknown methods _OTHER and keeps known ones", async () => {
  await using app = await countedServer(hello);
  await exchange(app.port, ["PURGE"], "PURGE / HTTP/1.1\r\nHost: test\r\n\r\n");
  await exchange(app.port, ["PATCH"], "PATCH / HTTP/1.1\r\nHost: test\r\n\r\n");
  const readings = await app.metrics.settled(2);
  expect(readings.map(({ attributes }) => attributes["http.request.method"])).toEqual(
    expect.arrayContaining(["PATCH", "_OTHER"]),
  );
});

test("gives a server error its status as error.type, a client error none", async () => {
  await using app = await countedServer((request, response) => response.writeHead(Number(request.url?.slice(1))).end());
  await exchange(app.port, ["GET", "GET"], GET.replace("/ ", "/503 ") + GET.replace("/ ", "/404 "));
  const readings = await app.metrics.settled(2);
  const byStatus = Object.fromEntries(
    readings.map(({ attributes: a }) => [a["http.response.status_code"], a["error.type"]]),
  );
  expect(byStatus).toEqual({ 404: undefined, 503: "503" });
});

test("takes the route from setHttpRoute, last call wins, whatever happened to the url", async () => {
  await using app = await countedServer((request, response) => {
    request.url = "/rewritten/to/something/longer";
    setHttpRoute(request, "/first");
    setHttpRoute(request, "/users/:id");
    response.end();
  });
  await exchange(app.port, ["GET"], GET);
  const [reading] = await app.metrics.settled(1);
  expect(reading?.attributes["http.route"]).toBe("/users/:id");
  expect(await app.metrics.total("bandwidth.http.server.io", "receive")).toBe(GET.length);
});

test("takes the route from the RPC metadata of its own request, also when pipelined", async () => {
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  const key = createContextKey("OpenTelemetry SDK Context Key RPC_METADATA");
  await using app = await countedServer((request, response) => {
    const metadata = context.active().getValue(key) as { route?: string };
    setImmediate(() => {
      metadata.route = `/route${request.url}`;
      response.end("x".repeat(request.url?.length ?? 0));
    });
  });
  const emit = app.server.emit;
  app.server.emit = function (this: typeof app.server, event: string, ...args: unknown[]): boolean {
    const active = context.active().setValue(key, { type: "http" });
    return context.with(active, () => Reflect.apply(emit, this, [event, ...args]) as boolean);
  } as typeof emit;
  await exchange(
    app.port,
    ["GET", "GET", "GET"],
    ["/a", "/bb", "/ccc"].map((path) => GET.replace("/ ", `${path} `)).join(""),
  );
  const readings = await app.metrics.settled(3);
  const sizes = Object.fromEntries(readings.map(({ attributes, value }) => [attributes["http.route"], value]));
  expect(sizes).toEqual({ "/route/a": 2, "/route/bb": 3, "/route/ccc": 4 });
});

test("drops the route of further attribute sets once there are maxAttributeSets", async () => {
  await using app = await countedServer(
    (request, response) => {
      setHttpRoute(request, request.url ?? "");
      response.end("12345");
    },
    { maxAttributeSets: 3 },
  );
  const paths = ["/a", "/b", "/c", "/d", "/e", "/a"];
  await exchange(
    app.port,
    paths.map(() => "GET"),
    paths.map((path) => GET.replace("/ ", `${path} `)).join(""),
  );
  const readings = await app.metrics.settled(6);
  const counts = Object.fromEntries(
    readings.map(({ attributes, count }) => [attributes["http.route"] ?? "none", count]),
  );
  expect(counts).toEqual({ "/a": 2, "/b": 1, "/c": 1, none: 2 });
  expect(await app.metrics.total("http.server.response.body.size")).toBe(30);
});

test("starts the points of its counters before the collection that first shows them", async () => {
  await using app = await countedServer(hello);
  await exchange(app.port, ["GET"], GET);
  await app.metrics.settled(1);
  for (const name of ["bandwidth.http.server.io", "bandwidth.http.server.connection.io"]) {
    const readings = await app.metrics.until(name, (points) =>
      points.every(({ startMillis, endMillis }) => startMillis < endMillis),
    );
    expect(readings).toHaveLength(2);
  }
});

test("names the version of the package as its own", async () => {
  const text = await readFile(new URL("../../package.json", import.meta.url), "utf8");
  const instrumentation = new HttpSizeInstrumentation({ enabled: false });
  expect(instrumentation.instrumentationVersion).toBe((JSON.parse(text) as { version: string }).version);
});

test("exports the four metrics and nothing else", async () => {
  await using app = await countedServer(hello);
  await exchange(app.port, ["GET"], GET);
  await app.metrics.settled(1);
  expect(await app.metrics.names()).toEqual([
    "bandwidth.http.server.connection.io",
    "bandwidth.http.server.io",
    "http.server.request.body.size",
    "http.server.response.body.size",
  ]);
});
