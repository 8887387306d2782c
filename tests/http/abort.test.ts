import { expect, test } from "vitest";
import { setHttpRoute } from "../../src/http/index.ts";
import { countedServer } from "./support/counted-server.ts";
import { RawClient } from "./support/raw-client.ts";
import { parseResponses } from "./support/wire-messages.ts";

const GET = "GET / HTTP/1.1\r\nHost: test\r\n\r\n";
const HUGE = Buffer.alloc(60_000_000);

test("a client that leaves before any header: no status, the fixed error.type, no bytes", async () => {
  let handled = (): void => {};
  const arrived = new Promise<void>((resolve) => (handled = resolve));
  await using app = await countedServer((request) => {
    setHttpRoute(request, "/waits");
    handled();
  });
  const client = await RawClient.open(app.port);
  client.send(GET);
  await arrived;
  client.socket.destroy();
  const [reading] = await app.metrics.settled(1);
  expect(reading).toMatchObject({ value: 0, count: 1 });
  expect(reading?.attributes).toEqual({
    "error.type": "aborted",
    "http.request.method": "GET",
    "http.route": "/waits",
    "network.protocol.version": "1.1",
    "url.scheme": "http",
  });
  expect(await app.metrics.total("bandwidth.http.server.io", "receive")).toBe(GET.length);
  expect(await app.metrics.total("bandwidth.http.server.io", "transmit")).toBe(0);
});

test("a client that leaves inside its request body: the bytes that came", async () => {
  await using app = await countedServer((request) => {
    request.once("data", () => client.socket.destroy());
  });
  const client = await RawClient.open(app.port);
  client.send("POST / HTTP/1.1\r\nHost: test\r\nContent-Length: 100000\r\n\r\n0123456789");
  const [reading] = await app.metrics.settled(1);
  expect(reading?.attributes["error.type"]).toBe("aborted");
  expect(await app.metrics.total("http.server.request.body.size")).toBe(10);
  expect(await app.metrics.total("bandwidth.http.server.io", "receive")).toBe(client.sentBytes);
});

/** The server cuts, the client drains what the kernel had taken: then the truth can be known to the byte. */
const CUTS = [
  { name: "one end() with a length", write: "end" },
  { name: "chunks", write: "chunks" },
] as const;

test.for(CUTS)("a response the server cuts short counts what left: $name", async ({ write }) => {
  await using app = await countedServer((_request, response) => {
    if (write === "end") {
      response.end(HUGE);
    } else {
      for (let at = 0; at < HUGE.length; at += 1_000_000) response.write(HUGE.subarray(at, at + 1_000_000));
    }
    setImmediate(() => setImmediate(() => response.destroy()));
  });
  const client = await RawClient.open(app.port);
  client.socket.pause();
  client.send(GET);
  const [reading] = await app.metrics.settled(1);
  client.socket.resume();
  await client.closed();
  const [response] = parseResponses(client.received(), ["GET"]);
  expect(response?.complete).toBe(false);
  expect(reading?.attributes["error.type"]).toBe("aborted");
  expect(reading?.attributes["http.response.status_code"]).toBe(200);
  expect(await app.metrics.total("bandwidth.http.server.io", "transmit")).toBe(client.receivedBytes);
  expect(await app.metrics.total("bandwidth.http.server.connection.io", "transmit")).toBe(client.receivedBytes);
  expect(reading?.value).toBe(response?.bodyBytes);
});

test("of pipelined responses cut short, those behind the first sent nothing", async () => {
  await using app = await countedServer((request, response) => {
    if (request.url === "/last") setImmediate(() => request.socket.destroy());
    response.write("started");
  });
  const client = await RawClient.open(app.port);
  client.send(GET + GET.replace("/ ", "/last "));
  await client.closed();
  const readings = await app.metrics.settled(2);
  const [response] = parseResponses(client.received(), ["GET"]);
  const byStatus = new Map(readings.map(({ attributes, value }) => [attributes["http.response.status_code"], value]));
  expect(byStatus.get(undefined), "the second had no turn").toBe(0);
  expect(byStatus.get(200)).toBe(response?.bodyBytes);
  expect(await app.metrics.total("bandwidth.http.server.io", "receive")).toBe(client.sentBytes);
});

test("a response sent whole to a request that never ends is no error", async () => {
  await using app = await countedServer((_request, response) => response.writeHead(413).end("too large"));
  const client = await RawClient.open(app.port);
  client.send("POST / HTTP/1.1\r\nHost: test\r\nContent-Length: 100000\r\n\r\n0123456789");
  await client.responses(["POST"]);
  client.socket.destroy();
  const [reading] = await app.metrics.settled(1);
  expect(reading).toMatchObject({ value: 9, attributes: { "http.response.status_code": 413 } });
  expect(reading?.attributes["error.type"]).toBeUndefined();
  expect(await app.metrics.total("http.server.request.body.size")).toBe(10);
});
