import { createServer, type IncomingMessage, type Server } from "node:http";
import { afterEach, beforeEach, expect, test } from "vitest";
import { HttpSizeInstrumentation } from "../../src/http/index.ts";
import type { BodyCallback, RequestParser, ServerSocket } from "../../src/http/node-internals.ts";
import { close, listen } from "./support/counted-server.ts";
import { MetricBench } from "./support/metric-bench.ts";
import { RawClient } from "./support/raw-client.ts";

const BODY = "x".repeat(300_000);
const POST = `POST / HTTP/1.1\r\nHost: test\r\nContent-Length: ${BODY.length}\r\nConnection: close\r\n\r\n`;
const SLOTS = 8;

let server: Server;
let metrics: MetricBench;
let instrumentation: HttpSizeInstrumentation;
const restore: (() => void)[] = [];

beforeEach(() => {
  metrics = new MetricBench();
  instrumentation = new HttpSizeInstrumentation();
  instrumentation.setMeterProvider(metrics.provider);
});
afterEach(async () => {
  await close(server);
  instrumentation.disable();
  for (const putBack of restore.splice(0)) putBack();
});

/** Gives the parser's callback another name, as a later Node or somebody who wraps it might. */
function rename(parser: RequestParser | null | undefined): void {
  for (let slot = 0; slot < SLOTS; slot += 1) {
    const callback = parser?.[slot];
    if (parser == null || callback?.name !== "parserOnBody") continue;
    const renamed: BodyCallback = function renamedCallback(body) {
      return callback.call(this, body);
    };
    parser[slot] = renamed;
    restore.push(() => (parser[slot] = callback));
  }
}

async function post(onRequest: (request: IncomingMessage) => void): Promise<number> {
  server = createServer((request, response) => {
    onRequest(request);
    request.resume().on("end", () => response.end("read"));
  });
  server.on("connection", (socket) => rename((socket as ServerSocket).parser));
  const client = await RawClient.open(await listen(server));
  client.send(POST);
  client.send(BODY);
  await client.closed();
  await metrics.settled(1);
  return metrics.total("http.server.request.body.size");
}

test("counts bodies where they are pushed when the parser's callback is not the one we know", async () => {
  expect(await post(() => {})).toBe(BODY.length);
  expect(restore).toHaveLength(1);
});

test("counts nothing that the app itself puts into a request's stream, and stays a number", async () => {
  expect(await post((request) => request.unshift("a piece of the app's own"))).toBe(BODY.length);
  const odd = (request: IncomingMessage): void => void request.setEncoding("utf8").push("text of the app's own");
  await close(server);
  expect(await post(odd)).toBe(2 * BODY.length);
});
