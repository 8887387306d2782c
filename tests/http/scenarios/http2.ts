/**
 * Scenarios of HTTP/2 servers, in clear and over TLS.
 */

import type { Http2ServerRequest, Http2ServerResponse, ServerHttp2Stream } from "node:http2";
import { constants } from "node:http2";
import { fileURLToPath } from "node:url";
import { createGzip } from "node:zlib";
import { setHttpRoute } from "../../../src/http/index.ts";
import { http2Scenarios, streamEnd } from "./http2-scenario.ts";
import { noise } from "./messages.ts";
import type { Bound, Scenario } from "./scenario.ts";

const FILE = fileURLToPath(new URL("../../../package-lock.json", import.meta.url));
const CHUNK_BYTES = 100_000;

/** The write that was under way when the stream was cut. */
function cut(writeBytes: number): Bound {
  return { name: "http2-unsent-write", allowed: { responseBodies: [-writeBytes, writeBytes] } };
}

function hello(stream: ServerHttp2Stream): void {
  stream.respond({ "content-length": 5 });
  stream.end("hello");
}

function readAll(stream: ServerHttp2Stream): void {
  stream.resume().on("end", () => {
    stream.respond();
    stream.end("read");
  });
}

/** Writes piece by piece, as fast as the peer takes them. */
function endless(stream: ServerHttp2Stream): void {
  stream.respond();
  const write = (): void => {
    while (!stream.destroyed && stream.write(noiseChunk));
    stream.once("drain", write);
  };
  write();
}

const noiseChunk = noise(CHUNK_BYTES);

/** HTTP/2 scenarios. */
export const HTTP2: readonly Scenario[] = http2Scenarios([
  { name: "GET", stream: hello, call: async ({ whole }) => void (await whole()) },
  {
    name: "POST with a length",
    stream: readAll,
    call: async ({ whole }) => void (await whole({ "content-length": 4 }, "body")),
  },
  {
    name: "large both ways",
    stream: (stream) => {
      stream.respond();
      stream.pipe(stream);
    },
    call: async ({ whole }) => void (await whole({}, noise(2_000_000))),
  },
  {
    name: "five at once",
    stream: readAll,
    call: async ({ whole }) => {
      await Promise.all([1, 2, 3, 4, 5].map((each) => whole({}, "x".repeat(each * 10_000))));
    },
  },
  {
    name: "a body the app never reads",
    // What comes after the response has ended the stream belongs to no stream.
    bound: { name: "unread-input", allowed: { requestBodies: [-50_000, 0] } },
    stream: hello,
    call: async ({ whole }) => void (await whole({}, noise(50_000))),
  },
  {
    name: "an empty response",
    stream: (stream) => stream.respond({ ":status": 204 }, { endStream: true }),
    call: async ({ whole }) => void (await whole()),
  },
  {
    name: "HEAD",
    stream: (stream) => {
      stream.respond({ "content-length": 1234 });
      stream.end();
    },
    call: async ({ whole }) => void (await whole({ ":method": "HEAD" })),
  },
  {
    name: "trailers",
    stream: (stream) => {
      stream.respond({}, { waitForTrailers: true });
      stream.on("wantTrailers", () => stream.sendTrailers({ checksum: "abc" }));
      stream.end("body");
    },
    call: async ({ whole }) => void (await whole()),
  },
  {
    name: "103 early hints",
    stream: (stream) => {
      stream.additionalHeaders({ ":status": 103, link: "</a>" });
      hello(stream);
    },
    call: async ({ whole }) => void (await whole()),
  },
  {
    name: "gzip",
    stream: (stream) => {
      stream.respond({ "content-encoding": "gzip" });
      const gzip = createGzip();
      gzip.pipe(stream);
      gzip.end("text ".repeat(50_000));
    },
    call: async ({ whole }) => void (await whole()),
  },
  { name: "a file", stream: (stream) => stream.respondWithFile(FILE), call: async ({ whole }) => void (await whole()) },
  {
    name: "a part of a file",
    stream: (stream) => stream.respondWithFile(FILE, {}, { offset: 10, length: 1_000 }),
    call: async ({ whole }) => void (await whole()),
  },
  {
    name: "padded frames",
    options: { paddingStrategy: constants.PADDING_STRATEGY_MAX },
    stream: hello,
    call: async ({ whole }) => void (await whole()),
  },
  {
    name: "a push",
    stream: (stream) => {
      stream.pushStream({ ":path": "/pushed" }, (_error, pushed) => {
        pushed.respond();
        pushed.end("pushed body");
      });
      stream.respond();
      stream.end("main");
    },
    call: async ({ session, whole }) => {
      const pushed = new Promise<void>((resolve) =>
        session.once("stream", (stream) => stream.resume().once("close", () => resolve())),
      );
      await whole();
      await pushed;
    },
  },
  {
    name: "the compatibility API",
    prepare: (server) => {
      server.on("request", (request: Http2ServerRequest, response: Http2ServerResponse) => {
        setHttpRoute(request, `/${request.stream.id ?? 0}`);
        let bytes = 0;
        request.on("data", (data: Buffer) => (bytes += data.length));
        request.on("end", () => {
          response.setHeader("content-type", "text/plain");
          response.write("read ");
          response.end(String(bytes));
        });
      });
    },
    call: async ({ whole }) => {
      await whole({}, "one");
      await whole({}, noise(90_000));
    },
  },
  {
    name: "an error status",
    stream: (stream) => {
      stream.respond({ ":status": 503 });
      stream.end("later");
    },
    call: async ({ whole }) => void (await whole()),
  },
  {
    name: "a reset by the server before any response",
    stream: (stream) => stream.close(constants.NGHTTP2_REFUSED_STREAM),
    call: async ({ whole }) => void (await whole()),
  },
  {
    name: "a reset by the server in the middle",
    stream: (stream) => {
      stream.respond();
      stream.write("some", () => stream.close(constants.NGHTTP2_INTERNAL_ERROR));
    },
    bound: cut(4),
    call: async ({ whole }) => void (await whole()),
  },
  {
    name: "a reset by the client in a response of pieces",
    stream: endless,
    bound: cut(4 * CHUNK_BYTES),
    call: async ({ session }) => {
      const stream = session.request({ ":path": "/" });
      let bytes = 0;
      stream.on("data", (data: Buffer) => {
        bytes += data.length;
        if (bytes > 450_000) stream.close(constants.NGHTTP2_CANCEL);
      });
      await streamEnd(stream);
    },
  },
  {
    name: "a reset by the client in a response of one piece",
    stream: (stream) => {
      stream.respond();
      stream.end(noise(3_000_000));
    },
    bound: cut(3_000_000),
    call: async ({ session }) => {
      const stream = session.request({ ":path": "/" });
      stream.once("data", () => stream.close(constants.NGHTTP2_CANCEL));
      await streamEnd(stream);
    },
  },
  {
    name: "a reset by the client in a file",
    stream: (stream) => stream.respondWithFile(process.execPath),
    bound: cut(1_000_000),
    call: async ({ session }) => {
      const stream = session.request({ ":path": "/" });
      stream.once("data", () => stream.close(constants.NGHTTP2_CANCEL));
      await streamEnd(stream);
    },
  },
  {
    name: "a reset by the client in its upload",
    stream: (stream) => void stream.resume(),
    call: async ({ session, server }) => {
      const came = new Promise<void>((resolve) =>
        server.on("stream", (stream) => stream.once("data", () => resolve())),
      );
      const stream = session.request({ ":path": "/", ":method": "POST" });
      stream.write(noise(10_000));
      await came;
      stream.close(constants.NGHTTP2_CANCEL);
      await streamEnd(stream);
    },
  },
  {
    name: "the client's connection is gone in the middle",
    stream: endless,
    bound: {
      name: "http2-unsent-write",
      allowed: {
        responseBodies: [-4 * CHUNK_BYTES, 4 * CHUNK_BYTES],
        connectionReceived: [-128, 0],
        connectionTransmitted: [0, 16_000_000],
      },
    },
    call: async ({ session, socket }) => {
      const stream = session.request({ ":path": "/" });
      stream.on("error", () => {});
      let bytes = 0;
      await new Promise<void>((resolve) => {
        stream.on("data", (data: Buffer) => {
          bytes += data.length;
          if (bytes > 450_000) resolve();
        });
      });
      socket.destroy();
    },
  },
  {
    name: "pings and settings alone",
    stream: hello,
    call: async ({ session }) => {
      await new Promise<void>((resolve) => session.ping(() => resolve()));
      await new Promise<void>((resolve) => session.settings({ enablePush: false }, () => resolve()));
    },
  },
  {
    name: "the server's session says goodbye",
    // The client's closing alert comes when nobody reads any more.
    bound: { name: "unread-input", allowed: { connectionReceived: [-64, 0] } },
    stream: hello,
    call: async ({ whole, session, sessions }) => {
      await whole();
      const closed = new Promise<void>((resolve) => session.once("close", () => resolve()));
      for (const each of sessions) each.close();
      await closed;
    },
  },
]);
