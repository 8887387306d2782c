/**
 * Scenarios of response bodies: how an app writes them, and what HTTP leaves out.
 */

import express from "express";
import { createReadStream } from "node:fs";
import type { RequestListener } from "node:http";
import { pipeline, Readable } from "node:stream";
import { fileURLToPath } from "node:url";
import { constants, createBrotliCompress, createDeflate, createGzip, gzipSync } from "node:zlib";
import { CLOSE, get, MEGABYTE, noise, post } from "./messages.ts";
import type { Scenario } from "./scenario.ts";
import { serverScenarios } from "./server-scenario.ts";

const FILE = fileURLToPath(new URL("../../../package-lock.json", import.meta.url));
const TEXT = "a text that compresses ".repeat(20_000);
const big = noise(5 * MEGABYTE);

/** Express, whose sendFile pipes a file and answers ranges. */
function sendsFile(): RequestListener {
  const app = express();
  app.get("/file", (_request, response) => response.sendFile(FILE));
  return app;
}

const compressed =
  (encoding: string, create: () => NodeJS.ReadWriteStream): RequestListener =>
  (_request, response) => {
    response.setHeader("Content-Encoding", encoding);
    const stream = create();
    pipeline(stream, response, () => {});
    stream.end(TEXT);
  };

/** Response scenarios. */
export const RESPONSES: readonly Scenario[] = serverScenarios("responses", [
  {
    name: "with a content length",
    send: [get()],
    handler: (_, res) => res.setHeader("Content-Length", 5).end("hello"),
  },
  {
    name: "one end() with text of several bytes a character",
    send: [get()],
    handler: (_, res) => res.end("häßlich €"),
  },
  { name: "one end() with a buffer", send: [get()], handler: (_, res) => res.end(noise(300)) },
  {
    name: "chunked: latin1, hex, base64, ucs2",
    send: [get()],
    handler: (_, res) => {
      res.write("ä", "latin1");
      res.write("00ff00", "hex");
      res.write("aGVsbG8=", "base64");
      res.end("zwei", "utf16le");
    },
  },
  {
    name: "chunked: empty, corked, typed arrays, end in the callback",
    send: [get()],
    handler: (_, res) => {
      res.write("");
      res.write("one");
      res.cork();
      res.write("two");
      res.write(new Uint8Array(300));
      res.uncork();
      res.write(Buffer.alloc(70_000), () => res.end());
    },
  },
  {
    name: "chunked: corked before the head, never uncorked",
    // Node sends what was corked behind the last chunk.
    bound: { name: "peer-framing", allowed: { responseBodies: [8, 8] } },
    send: [get()],
    handler: (_, res) => {
      res.cork();
      res.write("one");
      res.write("two");
      res.end("three");
    },
  },
  {
    name: "chunked: head flushed first",
    send: [get()],
    handler: (_, res) => {
      res.flushHeaders();
      setImmediate(() => res.end("later"));
    },
  },
  {
    name: "chunked: trailers",
    send: [get("/", "TE: trailers\r\n")],
    handler: (_, res) => {
      res.writeHead(200, { Trailer: "Checksum" });
      res.write("body");
      res.addTrailers({ Checksum: "abc" });
      res.end();
    },
  },
  {
    name: "chunked: five thousand small writes",
    send: [get()],
    handler: (_, res) => {
      for (let index = 0; index < 5_000; index += 1) res.write(`line ${index}\n`);
      res.end();
    },
  },
  {
    name: "chunked: a large one with back pressure",
    send: [get()],
    handler: (_, res) => void Readable.from(slices(big)).pipe(res),
  },
  {
    name: "chunked by the app itself",
    send: [get()],
    handler: (_, res) => res.writeHead(200, { "Transfer-Encoding": "chunked" }).end("own"),
  },
  { name: "a large one in one end()", send: [get()], handler: (_, res) => res.end(big) },
  { name: "an empty one", send: [get()], handler: (_, res) => res.end() },
  {
    name: "nothing written after the end counts",
    send: [get()],
    handler: (_, res) => {
      res.on("error", () => {});
      res.end("done");
      res.write("too late");
    },
  },
  {
    name: "HTTP/1.0 until the connection closes",
    send: ["GET / HTTP/1.0\r\n\r\n"],
    handler: (_, res) => void (res.write("until "), res.end("the end")),
  },
  {
    name: "HTTP/1.0 with keep-alive",
    send: ["GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"],
    handler: (_, res) => res.end("stays"),
  },
  { name: "connection: close asked by the client", send: [get("/", CLOSE)], handler: (_, res) => res.end("bye") },
  {
    name: "connection: close without a length",
    send: [get()],
    handler: (_, res) => {
      res.removeHeader("Transfer-Encoding");
      res.writeHead(200, { Connection: "close", "Transfer-Encoding": "identity" });
      res.write("until the end");
      res.end();
    },
  },
  { name: "gzip stream", send: [get()], handler: compressed("gzip", createGzip) },
  { name: "brotli stream", send: [get()], handler: compressed("br", createBrotliCompress) },
  {
    name: "deflate stream with flushes",
    send: [get()],
    handler: compressed("deflate", () => createDeflate({ flush: constants.Z_SYNC_FLUSH })),
  },
  {
    name: "gzip with a content length",
    send: [get()],
    handler: (_, res) => {
      const body = gzipSync(TEXT);
      res.writeHead(200, { "Content-Encoding": "gzip", "Content-Length": body.length }).end(body);
    },
  },
  { name: "a file stream", send: [get()], handler: (_, res) => void createReadStream(FILE).pipe(res) },
  { name: "express sendFile", send: [get("/file")], handler: sendsFile() },
  { name: "express sendFile of a range", send: [get("/file", "Range: bytes=10-999\r\n")], handler: sendsFile() },
  { name: "express sendFile for HEAD", send: [get("/file", "", "HEAD")], handler: sendsFile() },
  { name: "express 404", send: [get("/none")], handler: sendsFile() },
  {
    name: "HEAD whose handler writes a body",
    send: [get("/", "", "HEAD")],
    handler: (_, res) => void (res.write("not sent"), res.end("neither")),
  },
  {
    name: "HEAD with a content length",
    send: [get("/", "", "HEAD")],
    handler: (_, res) => res.setHeader("Content-Length", 1234).end(),
  },
  { name: "204 whose handler writes a body", send: [get()], handler: (_, res) => res.writeHead(204).end("not sent") },
  {
    name: "304 with the length of what it stands for",
    send: [get()],
    handler: (_, res) => res.writeHead(304, { "Content-Length": 1234 }).end("not sent"),
  },
  { name: "205 with a body", send: [get()], handler: (_, res) => res.writeHead(205).end("sent") },
  { name: "302 with a body", send: [get()], handler: (_, res) => res.writeHead(302, { Location: "/" }).end("moved") },
  { name: "500 with a body", send: [get()], handler: (_, res) => res.writeHead(500).end("broken") },
  {
    name: "103 early hints, twice",
    send: [get()],
    handler: (_, res) => {
      res.writeEarlyHints({ link: "</style.css>; rel=preload" });
      res.writeEarlyHints({ link: ["</a.css>; rel=preload", "</b.css>; rel=preload"] }, () => res.end("hinted"));
    },
  },
  { name: "102 processing", send: [get()], handler: (_, res) => void (res.writeProcessing(), res.end("processed")) },
  {
    name: "100 continue by Node",
    send: [post("expected", "Expect: 100-continue\r\n")],
    handler: (req, res) => void req.resume().on("end", () => res.end("continued")),
  },
  {
    name: "100 continue by the app, twice",
    send: [post("expected", "Expect: 100-continue\r\n")],
    prepare: (server) => {
      server.on("checkContinue", (req, res) => {
        res.writeContinue();
        res.writeContinue();
        req.resume().on("end", () => res.end("continued"));
      });
    },
  },
  {
    name: "417 instead of 100 continue",
    send: [get("/", "Expect: 100-continue\r\n")],
    prepare: (server) => {
      server.on("checkContinue", (_, res) => res.writeHead(417).end("no"));
    },
  },
  {
    name: "an unknown expectation, answered by Node",
    send: [get("/", "Expect: wonders\r\n")],
    handler: (_, res) => res.end(),
  },
  {
    name: "a content length shorter than what is sent",
    handler: (_, res) => res.writeHead(200, { "Content-Length": 5, Connection: "close" }).end("0123456789"),
    client: async ({ open }) => {
      const client = await open();
      client.send(get());
      await client.closed();
    },
    // The five bytes behind the declared ones are body to who sends them, and nothing to who reads.
    bound: { name: "peer-framing", allowed: { responseBodies: [5, 5] } },
  },
  {
    name: "a content length longer than what is sent",
    handler: (_, res) => res.writeHead(200, { "Content-Length": 10, Connection: "close" }).end("01234"),
    client: async ({ open }) => {
      const client = await open();
      client.send(get());
      await client.closed();
    },
  },
]);

function* slices(buffer: Buffer): Generator<Buffer> {
  for (let at = 0; at < buffer.length; at += 100_000) yield buffer.subarray(at, at + 100_000);
}
