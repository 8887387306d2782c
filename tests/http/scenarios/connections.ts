/**
 * Scenarios of whole connections: reuse, pipelining, what leaves HTTP, and what the parser or a timer ends.
 */

import type { RequestListener, Server } from "node:http";
import { inject } from "light-my-request";
import { chunked, CLOSE, get, noise, post } from "./messages.ts";
import type { Scenario } from "./scenario.ts";
import { type ClientSide, serverScenarios } from "./server-scenario.ts";

const hello: RequestListener = (_request, response) => response.end("hello");
const readAll: RequestListener = (request, response) => {
  request.resume().on("end", () => response.end("read"));
};
const outOfOrder: RequestListener = (request, response) => {
  if (request.url === "/slow") setImmediate(() => setImmediate(() => response.end("slow")));
  else response.end(`quick ${request.method}`);
};

/** Sends once and waits until the server ends the connection. */
function untilClosed(...pieces: readonly (string | Buffer)[]) {
  return async ({ open }: ClientSide): Promise<void> => {
    const client = await open();
    for (const piece of pieces) client.send(piece);
    await client.closed();
  };
}

function echoUpgrades(server: Server): void {
  server.on("upgrade", (_request, socket, head) => {
    socket.write("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n");
    socket.write(head);
    socket.pipe(socket);
  });
}

/** Says something over what became of the connection, and waits for `bytes` in return. */
function tunnel(first: readonly (string | Buffer)[], bytes: number) {
  return async ({ open }: ClientSide): Promise<void> => {
    const client = await open();
    for (const piece of first) client.send(piece);
    client.send(noise(bytes));
    while (client.receivedBytes < bytes) await client.more();
    await client.close();
  };
}

const UPGRADE = "Connection: Upgrade\r\nUpgrade: echo\r\n";

/** Connection scenarios. */
export const CONNECTIONS: readonly Scenario[] = serverScenarios("connections", [
  {
    name: "keep-alive reuse, with and without bodies",
    send: [get(), post("second"), post(noise(200_000)), get()],
    handler: hello,
  },
  {
    name: "two connections at once",
    handler: readAll,
    client: async ({ open }) => {
      const [first, second] = [await open(), await open()];
      first.send(post("first"));
      await first.responses(["POST"]);
      second.send(post("the second"));
      await second.responses(["POST"]);
      await Promise.all([first.close(), second.close()]);
    },
  },
  {
    name: "pipelining, answered out of order",
    send: [Buffer.concat([Buffer.from(get("/slow")), post("pipelined"), Buffer.from(get()), post("x".repeat(70_000))])],
    handler: outOfOrder,
  },
  {
    name: "pipelining HEAD, 304 and chunked",
    send: [get("/", "", "HEAD") + get("/304") + chunked(["a", "bc"]) + get()],
    handler: (request, response) => {
      if (request.url === "/304") response.writeHead(304).end("none");
      else {
        response.write("some ");
        response.end("body");
      }
    },
  },
  {
    name: "pipelining behind a body that is never read",
    send: [Buffer.concat([post(noise(300_000)), Buffer.from(get())])],
    handler: hello,
  },
  {
    name: "pipelining ended by connection: close",
    handler: hello,
    messages: "exchanges",
    client: untilClosed(get("/", CLOSE)),
  },
  {
    name: "more requests than a socket may have: 503 by Node",
    handler: hello,
    prepare: (server) => (server.maxRequestsPerSocket = 1),
    send: [get() + get()],
  },
  {
    name: "upgrade",
    messages: "exchanges",
    upgrades: true,
    prepare: echoUpgrades,
    client: tunnel([get("/", UPGRADE)], 100_000),
  },
  {
    name: "upgrade after a request on the same connection",
    messages: "exchanges",
    upgrades: true,
    prepare: echoUpgrades,
    handler: hello,
    client: async ({ open }) => {
      const client = await open();
      client.send(get());
      await client.responses(["GET"]);
      client.send(get("/", UPGRADE));
      client.send(noise(5_000));
      while (client.receivedBytes < 5_000) await client.more();
      await client.close();
    },
  },
  { name: "upgrade offered to a server that does not upgrade", send: [get("/", UPGRADE)], handler: hello },
  {
    name: "upgrade refused by hand",
    messages: "exchanges",
    upgrades: true,
    prepare: (server) => {
      server.on("upgrade", (_request, socket) => socket.end("HTTP/1.1 403 Forbidden\r\n\r\n"));
    },
    client: untilClosed(get("/", UPGRADE)),
  },
  {
    name: "CONNECT",
    messages: "exchanges",
    prepare: (server) => {
      server.on("connect", (_request, socket, head) => {
        socket.write("HTTP/1.1 200 OK\r\n\r\n");
        socket.write(head);
        socket.pipe(socket);
      });
    },
    client: tunnel([get("test:443", "", "CONNECT")], 100_000),
  },
  {
    name: "CONNECT to a server that does not know it",
    messages: "exchanges",
    handler: hello,
    client: untilClosed(get("test:443", "", "CONNECT")),
  },
  {
    name: "not HTTP: 400 by the parser",
    messages: "exchanges",
    handler: hello,
    client: untilClosed("NONSENSE\r\n\r\n"),
  },
  {
    refused: true,
    name: "headers too large: 431 by the parser",
    messages: "exchanges",
    handler: hello,
    client: untilClosed(get("/", `A: ${"x".repeat(20_000)}\r\n`)),
  },
  {
    name: "400 after a good request",
    messages: "exchanges",
    handler: hello,
    client: async ({ open }) => {
      const client = await open();
      client.send(get());
      await client.responses(["GET"]);
      client.send("NONSENSE\r\n\r\n");
      await client.closed();
    },
  },
  {
    name: "length and chunked at once: 400 by the parser",
    messages: "exchanges",
    handler: hello,
    client: untilClosed(
      "POST/ HTTP/1.1\r\nHost: test\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    ),
  },
  {
    name: "clientError answered by the app",
    messages: "exchanges",
    handler: hello,
    prepare: (server) => {
      server.on("clientError", (_error, socket) =>
        socket.end("HTTP/1.1 400 Bad Request\r\nContent-Length: 5\r\n\r\nsorry"),
      );
    },
    client: untilClosed("NONSENSE\r\n\r\n"),
  },
  {
    name: "headers that never end: 408 by Node",
    messages: "exchanges",
    options: { headersTimeout: 300, requestTimeout: 600, connectionsCheckingInterval: 20 },
    handler: hello,
    client: untilClosed("GET / HTTP/1.1\r\nHost: te"),
  },
  {
    name: "a body that never ends: 408 by Node",
    messages: "exchanges",
    options: { headersTimeout: 300, requestTimeout: 600, connectionsCheckingInterval: 20 },
    handler: (request) => void request.resume(),
    client: untilClosed("POST / HTTP/1.1\r\nHost: test\r\nContent-Length: 10\r\n\r\nhalf"),
  },
  {
    name: "an idle connection that times out",
    options: { keepAliveTimeout: 20, keepAliveTimeoutBuffer: 0 },
    handler: hello,
    client: untilClosed(get()),
  },
  {
    name: "a handler that is too slow: the request's timeout",
    handler: (request) => void request.setTimeout(20),
    client: untilClosed(get()),
  },
  { name: "connected and nothing said", client: async ({ open }) => (await open()).close(), handler: hello },
  {
    name: "closeIdleConnections",
    handler: hello,
    client: async ({ open, server }) => {
      const client = await open();
      client.send(get());
      await client.responses(["GET"]);
      server.closeIdleConnections();
      await client.closed();
    },
  },
  {
    name: "light-my-request beside a real request: only what has a socket",
    handler: hello,
    client: async ({ open }) => {
      await inject(hello, { method: "POST", url: "/", payload: "not on a wire" });
      const client = await open();
      client.send(get());
      await client.responses(["GET"]);
      await client.close();
    },
  },
  {
    name: "a raw TCP write by the app inside a response",
    handler: (request, response) => {
      response.writeHead(200, { "Content-Length": 15, Connection: "close" });
      response.flushHeaders();
      request.socket.end("behind the head");
    },
    client: untilClosed(get()),
    bound: { name: "around-http", allowed: { responseBodies: [-15, -15] } },
  },
]);
