import type { RequestListener } from "node:http";
import { expect, test } from "vitest";
import { countedServer } from "./support/counted-server.ts";
import { RawClient } from "./support/raw-client.ts";

const GET = "GET / HTTP/1.1\r\nHost: test\r\n\r\n";
const HTTP_1_0 = "GET / HTTP/1.0\r\nHost: test\r\n\r\n";
const TEXT = "häßlich €";
const BYTES = Buffer.byteLength(TEXT);

interface Case {
  readonly name: string;
  readonly handler: RequestListener;
  readonly send?: string;
  readonly bodyBytes: number;
}

const CASES: readonly Case[] = [
  {
    name: "declared by its characters",
    handler: (_request, response) => response.setHeader("Content-Length", TEXT.length).end(TEXT),
    bodyBytes: BYTES,
  },
  {
    name: "declared too long",
    handler: (_request, response) => response.writeHead(200, { "Content-Length": 5_000 }).end(TEXT),
    bodyBytes: BYTES,
  },
  {
    name: "declared, then left out",
    handler: (_request, response) => response.setHeader("Content-Length", 5_000).end(""),
    bodyBytes: 0,
  },
  {
    name: "declared right, in two pieces",
    handler: (_request, response) => {
      response.setHeader("Content-Length", BYTES + 3).write("abc");
      response.end(TEXT);
    },
    bodyBytes: BYTES + 3,
  },
  {
    name: "declared for the last piece alone",
    handler: (_request, response) => {
      response.writeHead(200, { "Content-Length": BYTES }).write("abc");
      response.end(TEXT);
    },
    bodyBytes: BYTES + 3,
  },
  {
    name: "declared wrong by the length of early hints",
    handler: (_request, response) => {
      const hints = { link: "</style.css>; rel=preload" };
      response.writeEarlyHints(hints);
      const length = BYTES + "HTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload\r\n\r\n".length;
      response.setHeader("Content-Length", length - 1).end(TEXT);
    },
    bodyBytes: BYTES,
  },
  {
    name: "in another encoding",
    handler: (_request, response) => response.end("00ff00", "hex"),
    bodyBytes: 3,
  },
  {
    name: "without a length, ended by the connection",
    handler: (_request, response) => {
      response.removeHeader("Content-Length");
      response.end(TEXT);
    },
    send: HTTP_1_0,
    bodyBytes: BYTES,
  },
];

test.for(CASES)("counts a text $name", async ({ handler, send = GET, bodyBytes }) => {
  await using app = await countedServer(handler);
  const client = await RawClient.open(app.port);
  client.send(send);
  const [reading] = await app.metrics.settled(1);
  const transmitted = await app.metrics.total("bandwidth.http.server.io", "transmit");
  await expect.poll(() => client.receivedBytes).toBe(transmitted);
  await client.close();
  expect(reading?.value).toBe(bodyBytes);
  const received = client.received();
  expect(received.length - (received.lastIndexOf("\r\n\r\n") + 4)).toBe(bodyBytes);
});

test("counts texts of pipelined responses, some declared wrong", async () => {
  const texts = ["one", TEXT, "three", TEXT.repeat(100), ""];
  let next = 0;
  await using app = await countedServer((_request, response) => {
    const text = texts[next % texts.length] ?? "";
    next += 1;
    if (next % 2 === 0) response.setHeader("Content-Length", text.length);
    setImmediate(() => response.end(text));
  });
  const client = await RawClient.open(app.port);
  client.send(GET.repeat(texts.length));
  const readings = await app.metrics.settled(texts.length);
  await client.close();
  expect(readings.reduce((sum, { value }) => sum + value, 0)).toBe(Buffer.byteLength(texts.join("")));
});

test("counts a text that was cut by what left, whatever was declared", async () => {
  const text = "x".repeat(20_000_000);
  await using app = await countedServer((_request, response) => {
    response.setHeader("Content-Length", 7).end(text);
    setImmediate(() => response.destroy());
  });
  const client = await RawClient.open(app.port);
  client.socket.pause();
  client.send(GET);
  const [reading] = await app.metrics.settled(1);
  client.socket.resume();
  await client.closed();
  const headBytes = client.received().indexOf("\r\n\r\n") + 4;
  expect(reading?.attributes["error.type"]).toBe("aborted");
  expect(reading?.value).toBe(client.receivedBytes - headBytes);
});
