import { createHash } from "node:crypto";
import type { RequestListener } from "node:http";
import { pipeline } from "node:stream";
import { createGzip } from "node:zlib";
import { expect, test } from "vitest";
import { countedServer } from "./support/counted-server.ts";
import { RawClient } from "./support/raw-client.ts";

const MEGABYTE = 1_000_000;

function get(path = "/", headers = ""): string {
  return `GET ${path} HTTP/1.1\r\nHost: test\r\n${headers}\r\n`;
}

function post(body: string | Buffer, headers = ""): Buffer {
  const head = `POST /items HTTP/1.1\r\nHost: test\r\nContent-Length: ${Buffer.byteLength(body)}\r\n${headers}\r\n`;
  return Buffer.concat([Buffer.from(head), Buffer.from(body)]);
}

function chunkedPost(chunks: readonly string[], trailers = ""): string {
  const framed = chunks.map((chunk) => `${Buffer.byteLength(chunk).toString(16)}\r\n${chunk}\r\n`).join("");
  return `POST /items HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n${framed}0\r\n${trailers}\r\n`;
}

const readAll: RequestListener = (request, response) => {
  request.resume().on("end", () => response.end("read"));
};

interface Case {
  readonly name: string;
  /** Each is written in one piece; the next one when its response is whole. */
  readonly send: readonly { readonly bytes: string | Buffer; readonly methods: readonly string[] }[];
  readonly handler: RequestListener;
  /** Body bytes of all requests sent. */
  readonly requestBodyBytes: number;
}

const random = createHash("sha512").update("seed").digest();
const big = Buffer.alloc(5 * MEGABYTE, random);

const CASES: readonly Case[] = [
  {
    name: "a response with a content length",
    send: [{ bytes: get(), methods: ["GET"] }],
    handler: (_request, response) => response.setHeader("Content-Length", 5).end("hello"),
    requestBodyBytes: 0,
  },
  {
    name: "a text of several bytes a character, in one end()",
    send: [{ bytes: get(), methods: ["GET"] }],
    handler: (_request, response) => response.end("häßlich €"),
    requestBodyBytes: 0,
  },
  {
    name: "latin1, hex and base64 chunks of a chunked response",
    send: [{ bytes: get(), methods: ["GET"] }],
    handler: (_request, response) => {
      response.write("ä", "latin1");
      response.write("00ff00", "hex");
      response.end("aGVsbG8=", "base64");
    },
    requestBodyBytes: 0,
  },
  {
    name: "a chunked response with empty, corked and array chunks",
    send: [{ bytes: get(), methods: ["GET"] }],
    handler: (_request, response) => {
      response.write("");
      response.write("one");
      response.cork();
      response.write("two");
      response.write(new Uint8Array(300));
      response.uncork();
      response.write(Buffer.alloc(70_000), () => response.end());
    },
    requestBodyBytes: 0,
  },
  {
    name: "a chunked response with trailers",
    send: [{ bytes: get("/", "TE: trailers\r\n"), methods: ["GET"] }],
    handler: (_request, response) => {
      response.writeHead(200, { Trailer: "Checksum" });
      response.write("body");
      response.addTrailers({ Checksum: "abc" });
      response.end();
    },
    requestBodyBytes: 0,
  },
  {
    name: "a gzip response counts compressed bytes",
    send: [{ bytes: get(), methods: ["GET"] }],
    handler: (_request, response) => {
      response.setHeader("Content-Encoding", "gzip");
      const gzip = createGzip();
      pipeline(gzip, response, () => {});
      gzip.end("text ".repeat(20_000));
    },
    requestBodyBytes: 0,
  },
  {
    name: "a HEAD response whose handler writes a body",
    send: [{ bytes: "HEAD / HTTP/1.1\r\nHost: test\r\n\r\n", methods: ["HEAD"] }],
    handler: (_request, response) => {
      response.write("not sent");
      response.end("neither");
    },
    requestBodyBytes: 0,
  },
  {
    name: "a 204 whose handler writes a body",
    send: [{ bytes: get(), methods: ["GET"] }],
    handler: (_request, response) => response.writeHead(204).end("not sent"),
    requestBodyBytes: 0,
  },
  {
    name: "a 304 with the content length of what it stands for",
    send: [{ bytes: get(), methods: ["GET"] }],
    handler: (_request, response) => response.writeHead(304, { "Content-Length": 1234 }).end("not sent"),
    requestBodyBytes: 0,
  },
  {
    name: "an empty response",
    send: [{ bytes: get(), methods: ["GET"] }],
    handler: (_request, response) => response.end(),
    requestBodyBytes: 0,
  },
  {
    name: "a request with a content length",
    send: [{ bytes: post("hällo"), methods: ["POST"] }],
    handler: readAll,
    requestBodyBytes: 6,
  },
  {
    name: "an empty request body",
    send: [{ bytes: post(""), methods: ["POST"] }],
    handler: readAll,
    requestBodyBytes: 0,
  },
  {
    name: "a chunked request with trailers",
    send: [{ bytes: chunkedPost(["one", "x".repeat(5000)], "Checksum: abc\r\n"), methods: ["POST"] }],
    handler: readAll,
    requestBodyBytes: 5003,
  },
  {
    name: "large bodies both ways",
    send: [{ bytes: post(big), methods: ["POST"] }],
    handler: (request, response) => request.resume().on("end", () => response.end(big)),
    requestBodyBytes: 5 * MEGABYTE,
  },
  {
    name: "a large chunked echo",
    send: [{ bytes: post(big), methods: ["POST"] }],
    handler: (request, response) => {
      request.pipe(response);
    },
    requestBodyBytes: 5 * MEGABYTE,
  },
  {
    name: "a body the app never reads",
    send: [{ bytes: post(Buffer.alloc(MEGABYTE)), methods: ["POST"] }],
    handler: (_request, response) => response.end("no thanks"),
    requestBodyBytes: MEGABYTE,
  },
  {
    name: "keep-alive reuse, with and without bodies",
    send: [
      { bytes: get(), methods: ["GET"] },
      { bytes: post("second"), methods: ["POST"] },
      { bytes: post(Buffer.alloc(200_000)), methods: ["POST"] },
      { bytes: get(), methods: ["GET"] },
    ],
    handler: (_request, response) => response.end("same"),
    requestBodyBytes: 200_006,
  },
  {
    name: "connection: close without a length",
    send: [{ bytes: "GET / HTTP/1.0\r\n\r\n", methods: ["GET"] }],
    handler: (_request, response) => {
      response.write("until ");
      response.end("the end");
    },
    requestBodyBytes: 0,
  },
  {
    name: "connection: close asked by the client",
    send: [{ bytes: get("/", "Connection: close\r\n"), methods: ["GET"] }],
    handler: (_request, response) => response.end("bye"),
    requestBodyBytes: 0,
  },
  {
    name: "pipelined requests answered out of order",
    send: [
      {
        bytes: Buffer.concat([
          Buffer.from(get("/slow")),
          post("pipelined"),
          Buffer.from(get("/")),
          post("x".repeat(70_000)),
        ]),
        methods: ["GET", "POST", "GET", "POST"],
      },
    ],
    handler: (request, response) => {
      if (request.url === "/slow") setImmediate(() => setImmediate(() => response.end("slow")));
      else response.end(`quick ${request.method}`);
    },
    requestBodyBytes: 70_009,
  },
  {
    name: "early hints and 100-continue before the response",
    send: [{ bytes: post("expected", "Expect: 100-continue\r\n"), methods: ["POST"] }],
    handler: (request, response) => {
      response.writeEarlyHints({ link: "</style.css>; rel=preload" });
      request.resume().on("end", () => response.end("continued"));
    },
    requestBodyBytes: 8,
  },
];

test.for(CASES)("counts what the socket carried: $name", async ({ send, handler, requestBodyBytes }) => {
  await using app = await countedServer(handler);
  const client = await RawClient.open(app.port);
  const methods: string[] = [];
  for (const { bytes, methods: expected } of send) {
    client.send(bytes);
    methods.push(...expected);
    await client.responses(methods);
  }
  await client.close();
  const responses = await client.responses(methods);
  const { metrics } = app;
  await metrics.settled(methods.length);

  const responseBodies = responses.reduce((sum, { bodyBytes }) => sum + bodyBytes, 0);
  const requestCount = (await metrics.readings("http.server.request.body.size")).reduce(
    (sum, { count }) => sum + count,
    0,
  );
  expect(requestCount).toBe(methods.length);
  expect(await metrics.total("http.server.request.body.size")).toBe(requestBodyBytes);
  expect(await metrics.total("http.server.response.body.size")).toBe(responseBodies);
  expect(await metrics.total("bandwidth.http.server.io", "receive")).toBe(client.sentBytes);
  expect(await metrics.total("bandwidth.http.server.io", "transmit")).toBe(client.receivedBytes);
  expect(await metrics.total("bandwidth.http.server.connection.io", "receive")).toBe(client.sentBytes);
  expect(await metrics.total("bandwidth.http.server.connection.io", "transmit")).toBe(client.receivedBytes);
  expect(app.instrumentation.faultCount).toBe(0);
});

test("gives each pipelined request its own body and response", async () => {
  await using app = await countedServer((request, response) => {
    const size = Number(request.headers["x-size"]);
    setImmediate(() => response.writeHead(200 + size).end("r".repeat(size)));
  });
  const client = await RawClient.open(app.port);
  const sizes = [1, 22, 3];
  client.send(Buffer.concat(sizes.map((size) => post("b".repeat(size * 1000), `X-Size: ${size}\r\n`))));
  await client.responses(["POST", "POST", "POST"]);
  await client.close();
  await app.metrics.settled(3);
  const byStatus = (readings: { attributes: Record<string, unknown>; value: number }[]): unknown =>
    Object.fromEntries(readings.map(({ attributes, value }) => [attributes["http.response.status_code"], value]));
  expect(byStatus(await app.metrics.readings("http.server.request.body.size"))).toEqual({
    201: 1000,
    222: 22_000,
    203: 3000,
  });
  expect(byStatus(await app.metrics.readings("http.server.response.body.size"))).toEqual({ 201: 1, 222: 22, 203: 3 });
});

test("counts upgrades and malformed requests on the socket only", async () => {
  await using app = await countedServer(() => {});
  app.server.on("upgrade", (_request, socket, head) => {
    socket.write("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n");
    socket.write(head);
    socket.pipe(socket);
  });
  const upgraded = await RawClient.open(app.port);
  upgraded.send(get("/", "Connection: Upgrade\r\nUpgrade: echo\r\n"));
  upgraded.send("x".repeat(100_000));
  await app.metrics.until("bandwidth.http.server.connection.io", () => upgraded.receivedBytes > 100_000);
  const open = await app.metrics.total("bandwidth.http.server.connection.io", "receive");
  expect(open, "an open socket is counted before it closes").toBe(upgraded.sentBytes);
  await upgraded.close();
  const malformed = await RawClient.open(app.port);
  malformed.send("NONSENSE\r\n\r\n");
  await malformed.closed();
  const sent = upgraded.receivedBytes + malformed.receivedBytes;
  await app.metrics.until("bandwidth.http.server.connection.io", (readings) =>
    readings.some(({ attributes, value }) => attributes["network.io.direction"] === "transmit" && value === sent),
  );
  expect(await app.metrics.total("bandwidth.http.server.connection.io", "receive")).toBe(
    upgraded.sentBytes + malformed.sentBytes,
  );
  expect(await app.metrics.readings("http.server.response.body.size")).toEqual([]);
});
