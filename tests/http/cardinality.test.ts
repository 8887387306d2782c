/** What a scanner sends cannot make more attribute sets than the limit, and no path of its own becomes a value. */
import { randomUUID } from "node:crypto";
import { METHODS, type RequestListener } from "node:http";
import { expect, test } from "vitest";
import { setHttpRoute } from "../../src/http/index.ts";
import { countedServer, type CountedServer } from "./support/counted-server.ts";
import { RawClient } from "./support/raw-client.ts";

const REQUESTS = 10_000;
const PIPELINED = 500;
const KNOWN = ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "TRACE", "PATCH", "QUERY"];
const METRICS = ["http.server.request.body.size", "http.server.response.body.size", "bandwidth.http.server.io"];
/** CONNECT is not a request to Node's server. */
const SENT_METHODS = METHODS.filter((method) => method !== "CONNECT");

/** Sends requests with every method that Node's parser knows, each to a path of its own. */
async function scan(app: CountedServer, scanner: string): Promise<void> {
  const client = await RawClient.open(app.port);
  for (let sent = 0; sent < REQUESTS; sent += PIPELINED) {
    const methods = Array.from(
      { length: PIPELINED },
      (_, index) => SENT_METHODS[(sent + index) % SENT_METHODS.length]!,
    );
    const lines = methods.map((method, index) => `${method} /${scanner}/${sent + index}?${scanner}=${index} HTTP/1.1`);
    client.send(lines.map((line) => `${line}\r\nHost: ${scanner}\r\nUser-Agent: ${scanner}\r\n\r\n`).join(""));
    await app.metrics.settled(sent + PIPELINED);
  }
  await client.close();
}

const notFound: RequestListener = (_request, response) => response.writeHead(404).end();
/** The mistake the limit is there for: every path named a route. */
const pathAsRoute: RequestListener = (request, response) => {
  setHttpRoute(request, request.url ?? "");
  response.writeHead(404).end();
};

test("10,000 random paths make one attribute set a method, and unknown methods are _OTHER", async () => {
  const scanner = randomUUID();
  await using app = await countedServer(notFound);
  await scan(app, scanner);
  const methods = new Set([...KNOWN.filter((method) => SENT_METHODS.includes(method)), "_OTHER"]);
  for (const name of METRICS) {
    const readings = await app.metrics.readings(name);
    const directions = name === "bandwidth.http.server.io" ? 2 : 1;
    expect(new Set(readings.map(({ attributes }) => attributes["http.request.method"]))).toEqual(methods);
    expect(readings).toHaveLength(methods.size * directions);
    expect(JSON.stringify(readings)).not.toContain(scanner);
  }
});

test("10,000 paths that the app names routes stay below maxAttributeSets, and no request is lost", async () => {
  const scanner = randomUUID();
  await using app = await countedServer(pathAsRoute, { maxAttributeSets: 50 });
  await scan(app, scanner);
  const readings = await app.metrics.settled(REQUESTS);
  const named = readings.filter(({ attributes }) => attributes["http.route"] !== undefined);
  expect(named).toHaveLength(50);
  expect(readings.length).toBeLessThanOrEqual(50 + KNOWN.length + 1);
  expect(readings.reduce((sum, { count }) => sum + count, 0)).toBe(REQUESTS);
});

test("a method that the parser does not know is no request, and makes no attribute set", async () => {
  await using app = await countedServer(notFound);
  const client = await RawClient.open(app.port);
  client.send(`SCAN${"X".repeat(20)} /${randomUUID()} HTTP/1.1\r\nHost: test\r\n\r\n`);
  await client.closed();
  expect(client.received().toString()).toMatch(/^HTTP\/1\.1 400 /);
  expect(await app.metrics.names()).toEqual(["bandwidth.http.server.connection.io"]);
});
