/**
 * Scenarios of `fetch`.
 */

import { gzipSync } from "node:zlib";
import { clientScenarios, respondInChunks, respondWith, type ServerSide } from "./client-scenario.ts";
import { noise } from "./messages.ts";
import type { Scenario } from "./scenario.ts";

const HUGE = Buffer.alloc(30_000_000, "x");
const hello = (): Buffer => respondWith("hello");

async function read({ url }: ServerSide, init: RequestInit = {}, path = "/"): Promise<ArrayBuffer> {
  const response = await fetch(url + path, init);
  return await response.arrayBuffer();
}

async function failing(action: Promise<unknown>): Promise<void> {
  const failed = await action.then(
    () => false,
    () => true,
  );
  if (!failed) throw new Error("this should have failed");
}

function streamOf(chunks: readonly (string | Buffer)[]): RequestInit {
  const encoder = new TextEncoder();
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      for (const chunk of chunks) controller.enqueue(typeof chunk === "string" ? encoder.encode(chunk) : chunk);
      controller.close();
    },
  });
  return { method: "POST", body, duplex: "half" };
}

/** Writes until the kernel takes no more, aborts, and lets the server drain what came. */
async function abortedUpload(side: ServerSide, init: RequestInit): Promise<void> {
  const controller = new AbortController();
  const call = failing(read(side, { ...init, signal: controller.signal }));
  const { connections } = side.server;
  while (connections.length === 0) await new Promise((resolve) => setImmediate(resolve));
  // Once the head is here, the body has been written as well: it is one piece.
  await new Promise<void>((resolve) => connections[0]?.socket.once("readable", () => resolve()));
  await new Promise((resolve) => setImmediate(resolve));
  controller.abort();
  await call;
  connections[0]?.socket.resume();
  await connections[0]?.closed;
}

/** fetch scenarios. */
export const FETCH_CLIENT: readonly Scenario[] = clientScenarios("client fetch", [
  { name: "GET", respond: hello, call: async (side) => void (await read(side)) },
  {
    name: "POST text",
    respond: hello,
    call: async (side) => void (await read(side, { method: "POST", body: "häßlich" })),
  },
  {
    name: "POST bytes, chunks back",
    respond: (request) => respondInChunks([request.body, "!"]),
    call: async (side) => void (await read(side, { method: "POST", body: noise(70_000) as never })),
  },
  {
    name: "POST a form",
    respond: hello,
    call: async (side) => {
      const form = new FormData();
      form.set("name", "value");
      form.set("file", new Blob([noise(50_000)]), "file.bin");
      await read(side, { method: "POST", body: form });
    },
  },
  {
    name: "POST a blob",
    respond: hello,
    call: async (side) => void (await read(side, { method: "POST", body: new Blob(["some", "thing"]) })),
  },
  {
    name: "POST a stream",
    respond: hello,
    call: async (side) => void (await read(side, streamOf(["one", noise(100_000), "end"]))),
  },
  {
    name: "large both ways",
    respond: (request) => respondWith(request.body),
    call: async (side) => void (await read(side, { method: "POST", body: noise(3_000_000) as never })),
  },
  {
    name: "gzip: as on the wire",
    respond: () => respondWith(gzipSync("text ".repeat(10_000)), 200, "Content-Encoding: gzip\r\n"),
    call: async (side) => void (await read(side)),
  },
  {
    name: "HEAD",
    respond: () => "HTTP/1.1 200 OK\r\nContent-Length: 1234\r\n\r\n",
    call: async (side) => void (await read(side, { method: "HEAD" })),
  },
  {
    name: "204 and 304",
    respond: (_request, index) => (index === 0 ? "HTTP/1.1 204 None\r\n\r\n" : "HTTP/1.1 304 Same\r\n\r\n"),
    call: async (side) => {
      await read(side);
      await read(side);
    },
  },
  {
    name: "keep-alive: three in a row",
    respond: (request, index) => respondWith(request.body, 200 + index),
    call: async (side) => {
      for (const body of ["one", "three", "fifteen"]) await read(side, { method: "POST", body });
    },
  },
  {
    name: "redirects: each hop is a call",
    respond: (_request, index) => {
      if (index === 0) return respondWith("moved", 302, "Location: /next\r\n");
      return index === 1 ? respondWith("for good", 308, "Location: /last\r\n") : hello();
    },
    call: async (side) => void (await read(side)),
  },
  {
    name: "a redirect that sends the body again",
    respond: (_request, index) => (index === 0 ? respondWith("moved", 307, "Location: /next\r\n") : hello()),
    call: async (side) => void (await read(side, { method: "POST", body: "twice" })),
  },
  {
    name: "404 and 500",
    respond: (_request, index) => respondWith("no", index === 0 ? 404 : 500),
    call: async (side) => {
      await read(side);
      await read(side);
    },
  },
  {
    name: "a body that is cancelled unread",
    respond: hello,
    call: async ({ url }) => {
      const response = await fetch(url);
      await response.body?.cancel();
    },
  },
  {
    name: "until the connection closes",
    respond: (_request, _index, { socket }) => {
      setImmediate(() => socket.end());
      return "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nuntil the end";
    },
    call: async (side) => void (await read(side)),
  },
  {
    name: "the response is cut in its declared length",
    respond: (_request, _index, { socket }) => {
      setImmediate(() => socket.end());
      return "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n0123456789";
    },
    call: (side) => failing(read(side)),
  },
  {
    name: "the server leaves without a word",
    respond: (_request, _index, { socket }) => void socket.end(),
    call: (side) => failing(read(side, { method: "POST", body: "body" })),
  },
  {
    name: "nobody listens on the port",
    recorded: 1,
    call: async (side) => {
      await side.server.close();
      await failing(read(side, { method: "POST", body: "never sent" }));
    },
  },
  {
    name: "an upload aborted while the server does not read",
    onConnection: ({ socket }) => void socket.pause(),
    call: (side) => abortedUpload(side, { method: "POST", body: HUGE as never }),
  },
  {
    name: "a streamed upload aborted while the server does not read",
    onConnection: ({ socket }) => void socket.pause(),
    call: (side) => abortedUpload(side, streamOf([HUGE.subarray(0, 20_000_000), HUGE])),
  },
  {
    name: "a response aborted by the client",
    respond: () => respondWith(HUGE),
    bound: { name: "unread-input", allowed: { responseBodies: [-HUGE.length, 0] } },
    call: async ({ url }) => {
      const controller = new AbortController();
      const response = await fetch(url, { signal: controller.signal });
      const reader = response.body?.getReader();
      await reader?.read();
      controller.abort();
      await reader?.closed.catch(() => {});
    },
  },
]);
