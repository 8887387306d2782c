/**
 * Scenarios of node:http and node:https clients.
 */

import { once } from "node:events";
import {
  Agent,
  request as httpRequest,
  type ClientRequest,
  type IncomingMessage,
  type RequestOptions,
} from "node:http";
import { request as httpsRequest } from "node:https";
import { Readable } from "node:stream";
import { createGunzip, gzipSync } from "node:zlib";
import { clientScenarios, respondInChunks, respondWith, type ServerSide } from "./client-scenario.ts";
import { noise } from "./messages.ts";
import type { Scenario } from "./scenario.ts";
import { clientTls } from "./tls-options.ts";

const HUGE = Buffer.alloc(30_000_000, "x");

function open({ url }: ServerSide, options: RequestOptions & { path?: string } = {}): ClientRequest {
  const secure = url.startsWith("https:");
  const target = new URL(options.path ?? "/", url);
  return secure ? httpsRequest(target, { ...options, ...clientTls() }) : httpRequest(target, options);
}

/** Ends the request and reads the response to its end. */
async function whole(request: ClientRequest, body?: string | Buffer): Promise<IncomingMessage> {
  const closed = once(request, "close");
  request.end(body);
  const [response] = (await once(request, "response")) as [IncomingMessage];
  await once(response.resume(), "end");
  await closed;
  return response;
}

/** Resolves with the end of the request, however it comes. */
async function ended(request: ClientRequest): Promise<void> {
  request.on("error", () => {});
  request.on("response", (response) => response.on("error", () => {}).resume());
  if (!request.closed) await new Promise<void>((resolve) => request.once("close", () => resolve()));
}

const hello = (): Buffer => respondWith("hello");

/** node:http scenarios. */
export const NODE_CLIENT: readonly Scenario[] = clientScenarios("client node:http", [
  { name: "GET", respond: hello, call: async (side) => void (await whole(open(side))) },
  {
    name: "POST with a length",
    respond: hello,
    call: async (side) => void (await whole(open(side, { method: "POST" }), "häßlich")),
  },
  {
    name: "POST in chunks, chunks back",
    respond: (request) => respondInChunks([request.body, "!"]),
    call: async (side) => {
      const request = open(side, { method: "POST" });
      request.write("one");
      request.write(noise(70_000));
      await whole(request, "end");
    },
  },
  {
    name: "a stream up, corked",
    respond: hello,
    call: async (side) => {
      const request = open(side, { method: "PUT" });
      request.cork();
      request.write("one");
      request.write("two");
      request.uncork();
      Readable.from([noise(200_000), Buffer.from("end")]).pipe(request);
      const [response] = (await once(request, "response")) as [IncomingMessage];
      await once(response.resume(), "close");
    },
  },
  {
    name: "large both ways",
    respond: (request) => respondWith(request.body),
    call: async (side) => void (await whole(open(side, { method: "POST" }), noise(3_000_000))),
  },
  {
    name: "gzip: as on the wire",
    respond: () => respondWith(gzipSync("text ".repeat(10_000)), 200, "Content-Encoding: gzip\r\n"),
    call: async (side) => {
      const request = open(side);
      request.end();
      const [response] = (await once(request, "response")) as [IncomingMessage];
      await once(response.pipe(createGunzip()).resume(), "end");
    },
  },
  {
    name: "HEAD",
    respond: () => "HTTP/1.1 200 OK\r\nContent-Length: 1234\r\n\r\n",
    call: async (side) => void (await whole(open(side, { method: "HEAD" }))),
  },
  {
    name: "204 and 304",
    respond: (_request, index) =>
      index === 0 ? "HTTP/1.1 204 None\r\n\r\n" : "HTTP/1.1 304 Same\r\nContent-Length: 10\r\n\r\n",
    call: async (side) => {
      await whole(open(side));
      await whole(open(side));
    },
  },
  {
    name: "keep-alive: three on one connection",
    respond: (request, index) => respondWith(request.body, 200 + index),
    call: async (side) => {
      const agent = new Agent({ keepAlive: true, maxSockets: 1 });
      for (const body of ["one", "three", noise(100_000)]) await whole(open(side, { agent, method: "POST" }), body);
      agent.destroy();
    },
  },
  {
    name: "three queued for one connection",
    respond: (request, index) => respondWith(request.body, 200 + index),
    call: async (side) => {
      const agent = new Agent({ keepAlive: true, maxSockets: 1 });
      await Promise.all(["a", "bb", "ccc"].map((body) => whole(open(side, { agent, method: "POST" }), body)));
      agent.destroy();
    },
  },
  {
    name: "no agent",
    respond: () => respondWith("bye", 200, "Connection: close\r\n"),
    call: async (side) => void (await whole(open(side, { agent: false }))),
  },
  {
    name: "until the connection closes",
    respond: (_request, _index, { socket }) => {
      setImmediate(() => socket.end());
      return "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nuntil the end";
    },
    call: async (side) => void (await whole(open(side))),
  },
  {
    name: "103 and 100 before the response",
    respond: () => `HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n${hello().toString()}`,
    call: async (side) => void (await whole(open(side, { method: "POST" }), "body")),
  },
  {
    name: "404 and 500",
    respond: (_request, index) => respondWith("no", index === 0 ? 404 : 500),
    call: async (side) => {
      await whole(open(side));
      await whole(open(side));
    },
  },
  {
    name: "a response that nobody listens to",
    respond: () => respondWith(noise(5_000)),
    call: async (side) => {
      const request = open(side);
      request.end();
      await once(request, "close");
    },
  },
  {
    name: "upgrade",
    respond: (_request, _index, connection) => {
      connection.send("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n");
    },
    call: async (side) => {
      const request = open(side, { headers: { Connection: "Upgrade", Upgrade: "echo" } });
      request.end();
      const [, socket] = (await once(request, "upgrade")) as [IncomingMessage, { destroy(): void }];
      socket.destroy();
    },
  },
  {
    name: "the response is cut in its declared length",
    respond: (_request, _index, { socket }) => {
      setImmediate(() => socket.end());
      return "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n0123456789";
    },
    call: async (side) => {
      const request = open(side);
      request.end();
      await ended(request);
    },
  },
  {
    name: "the response is cut in a chunk",
    respond: (_request, _index, { socket }) => {
      setImmediate(() => socket.end());
      return "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nff\r\n0123456789";
    },
    call: async (side) => {
      const request = open(side);
      request.end();
      await ended(request);
    },
  },
  {
    name: "the server leaves without a word",
    respond: (_request, _index, { socket }) => void socket.end(),
    call: async (side) => {
      const request = open(side, { method: "POST" });
      request.end("body");
      await ended(request);
    },
  },
  {
    name: "nobody listens on the port",
    recorded: 1,
    call: async (side) => {
      await side.server.close();
      const request = open(side, { method: "POST" });
      request.end("never sent");
      await ended(request);
    },
  },
  {
    name: "destroyed before it was sent",
    recorded: 1,
    call: async (side) => {
      const request = open(side, { method: "POST" });
      request.write("never sent");
      request.destroy();
      await ended(request);
    },
  },
  ...(["a length", "chunks"] as const).map((how) => ({
    name: `an upload with ${how}, aborted while the server does not read`,
    onConnection: ({ socket }: { socket: { pause(): void } }) => socket.pause(),
    call: async (side: ServerSide) => {
      const request = open(side, {
        method: "POST",
        headers: how === "chunks" ? {} : { "Content-Length": HUGE.length },
      });
      const over = ended(request);
      for (let at = 0; at < HUGE.length; at += 1_000_000) request.write(HUGE.subarray(at, at + 1_000_000));
      while ((request.socket?.bytesWritten ?? 0) < 1_000_000 || side.server.connections.length === 0)
        await new Promise((resolve) => setImmediate(resolve));
      request.destroy();
      await over;
      const [connection] = side.server.connections;
      connection?.socket.resume();
      await connection?.closed;
    },
  })),
  {
    name: "a response aborted by the client",
    respond: () => respondWith(HUGE),
    bound: { name: "unread-input", allowed: { responseBodies: [-HUGE.length, 0] } },
    call: async (side) => {
      const request = open(side);
      request.on("error", () => {});
      request.end();
      const [response] = (await once(request, "response")) as [IncomingMessage];
      response.on("error", () => {});
      await once(response, "data");
      const closed = once(request, "close");
      request.destroy();
      await closed;
    },
  },
  {
    name: "https GET and POST",
    tls: true,
    respond: (request, index) => respondWith(request.body.length > 0 ? request.body : "hello", 200 + index),
    call: async (side) => {
      await whole(open(side));
      await whole(open(side, { method: "POST" }), noise(300_000));
    },
  },
]);
