/**
 * Scenarios that end before they are over.
 */

import type { RequestListener, ServerResponse } from "node:http";
import { get, noise, post } from "./messages.ts";
import type { Bound, Scenario } from "./scenario.ts";
import { type ClientSide, serverScenarios } from "./server-scenario.ts";

const HUGE = Buffer.alloc(60_000_000, "x");
/** More than the kernel takes on both sides of a loopback connection. */
const KERNEL_BYTES = 32_000_000;

const kernel: Bound = {
  name: "kernel-buffers",
  allowed: {
    responseBodies: [0, KERNEL_BYTES],
    messagesTransmitted: [0, KERNEL_BYTES],
    connectionTransmitted: [0, KERNEL_BYTES],
  },
};

/** Reads nothing until the server has cut, then drains what the kernel had: the truth is then known to the byte. */
function drains(bytes: string | Buffer = get()) {
  return async ({ open, server }: ClientSide): Promise<void> => {
    const cut = new Promise<void>((resolve) =>
      server.once("connection", (socket) => socket.once("close", () => resolve())),
    );
    const client = await open();
    client.pause();
    client.send(bytes);
    await cut;
    client.resume();
    await client.closed();
  };
}

/** As above; and if the kernel tells a write of the reset, not a read, all that this write held is taken for sent. */
const gone: Bound = {
  name: "gone-peer",
  allowed: {
    responseBodies: [0, HUGE.length],
    messagesTransmitted: [0, 1.01 * HUGE.length],
    connectionTransmitted: [0, 1.01 * HUGE.length],
  },
};

const soon = (action: () => void): void => void setImmediate(() => setImmediate(action));

const cutting =
  (write: (response: ServerResponse) => void): RequestListener =>
  (_request, response) => {
    write(response);
    soon(() => response.destroy());
  };

function pieces(response: ServerResponse, bytes: number): void {
  for (let at = 0; at < HUGE.length; at += bytes) response.write(HUGE.subarray(at, at + bytes));
}

/** Abort scenarios. */
export const ABORTS: readonly Scenario[] = serverScenarios("aborts", [
  { name: "the server cuts one end()", handler: cutting((response) => void response.end(HUGE)), client: drains() },
  {
    name: "the server cuts a declared length",
    handler: cutting((response) => void response.writeHead(200, { "Content-Length": HUGE.length }).write(HUGE)),
    client: drains(),
  },
  {
    name: "the server cuts large chunks",
    handler: cutting((response) => pieces(response, 1_000_000)),
    client: drains(),
  },
  {
    name: "the server cuts small chunks of many sizes",
    handler: cutting((response) => {
      for (let index = 0; index < 3_000; index += 1) response.write(HUGE.subarray(0, 1 + ((index * 7_919) % 20_000)));
    }),
    client: drains(),
  },
  {
    name: "the server cuts corked chunks",
    handler: cutting((response) => {
      response.flushHeaders();
      for (let index = 0; index < 20; index += 1) {
        response.cork();
        response.write(HUGE.subarray(0, 500_000));
        response.write(HUGE.subarray(0, 499_999));
        response.uncork();
      }
    }),
    client: drains(),
  },
  {
    name: "the server cuts while corked",
    handler: cutting((response) => {
      response.write("one");
      response.cork();
      response.write("never leaves");
    }),
    client: drains(),
  },
  {
    name: "the server cuts behind early hints",
    handler: cutting((response) => {
      response.writeEarlyHints({ link: "</style.css>; rel=preload" });
      response.writeProcessing();
      response.end(HUGE);
    }),
    client: drains(),
  },
  {
    name: "the server cuts after a 100 continue",
    handler: cutting((response) => void response.end(HUGE)),
    client: drains(post("body", "Expect: 100-continue\r\n")),
  },
  {
    name: "the server cuts after early hints alone",
    handler: cutting((response) => response.writeEarlyHints({ link: "</style.css>; rel=preload" })),
    client: drains(),
  },
  {
    name: "the server cuts the second response of a connection",
    handler: (request, response) => {
      if (request.url === "/huge") cutting((cut) => void cut.end(HUGE))(request, response);
      else response.end("first");
    },
    client: drains(get() + get("/huge")),
  },
  { name: "the server cuts before any answer", handler: (request) => request.socket.destroy(), client: drains() },
  {
    name: "the server resets",
    handler: (request, response) => {
      response.write("some");
      soon(() => request.socket.resetAndDestroy());
    },
    client: drains(),
    bound: kernel,
  },
  {
    name: "the app writes on after the socket is gone",
    handler: (request, response) => {
      response.on("error", () => {});
      response.write("before");
      soon(() => {
        request.socket.destroy();
        response.write("after");
        response.end("long after");
      });
    },
    client: drains(),
  },
  {
    name: "the app destroys with an error",
    handler: (_request, response) => {
      response.on("error", () => {});
      response.write("before");
      soon(() => response.destroy(new Error("the app gave up")));
    },
    client: drains(),
  },
  {
    name: "pipelined responses cut: those behind the first sent nothing",
    handler: (request, response) => {
      if (request.url === "/last") soon(() => request.socket.destroy());
      response.write("started");
    },
    client: drains(get() + get("/middle") + get("/last")),
  },
  {
    name: "the server cuts inside a request body",
    handler: (request) => void request.once("data", () => request.socket.destroy()),
    client: drains("POST / HTTP/1.1\r\nHost: test\r\nContent-Length: 100\r\n\r\n0123456789"),
  },
  {
    name: "closeAllConnections in the middle",
    handler: (_request, response) => void response.write("some"),
    client: async ({ open, server }) => {
      const client = await open();
      client.send(get());
      await client.more();
      server.closeAllConnections();
      await client.closed();
    },
  },
  {
    name: "the client leaves inside the request head",
    handler: () => {},
    messages: "exchanges",
    client: async ({ open }) => {
      const client = await open();
      client.send("GET / HTTP/1.1\r\nHo");
      await client.close();
    },
  },
  {
    name: "the client leaves before the response head",
    client: async ({ open, server }) => {
      const handled = new Promise<void>((resolve) => server.on("request", () => resolve()));
      const client = await open();
      client.send(get());
      await handled;
      client.socket.destroy();
    },
  },
  {
    name: "the client leaves inside its request body",
    client: async ({ open, server }) => {
      const handled = new Promise<void>((resolve) =>
        server.on("request", (request) => request.once("data", () => resolve())),
      );
      const client = await open();
      client.send("POST / HTTP/1.1\r\nHost: test\r\nContent-Length: 100000\r\n\r\n0123456789");
      await handled;
      client.socket.destroy();
    },
  },
  {
    name: "the client leaves inside a chunked request body",
    client: async ({ open, server }) => {
      const handled = new Promise<void>((resolve) =>
        server.on("request", (request) => request.once("data", () => resolve())),
      );
      const client = await open();
      client.send("POST / HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\na\r\n0123456789\r\nff\r\n0123");
      await handled;
      client.socket.destroy();
    },
  },
  {
    name: "the client leaves inside a response it never reads",
    handler: (_request, response) => void response.end(HUGE),
    bound: gone,
    client: async ({ open, server }) => {
      const handled = new Promise<void>((resolve) => server.on("request", () => resolve()));
      const client = await open();
      client.pause();
      client.send(get());
      await handled;
      await new Promise<void>(soon);
      client.socket.destroy();
    },
  },
  {
    name: "the client resets inside a chunked response",
    handler: (_request, response) => {
      response.on("error", () => {});
      pieces(response, 1_000_000);
    },
    bound: gone,
    client: async ({ open }) => {
      const client = await open();
      client.send(get());
      while (client.receivedBytes < 500_000) await client.more();
      client.socket.resetAndDestroy();
    },
  },
  {
    name: "the client stops talking but listens on",
    handler: (request, response) => {
      request.resume().on("end", () => soon(() => response.end(noise(100_000))));
    },
    client: async ({ open }) => {
      const client = await open();
      client.send(post("all of it"));
      client.end();
      await client.closed();
    },
  },
  {
    name: "an upload refused and cut: what was sent and never read",
    handler: (request, response) => {
      response.writeHead(413, { Connection: "close" }).end("too large", () => request.socket.destroy());
    },
    bound: {
      name: "unread-input",
      allowed: {
        requestBodies: [-HUGE.length, 0],
        messagesReceived: [-HUGE.length, 0],
        connectionReceived: [-HUGE.length, 0],
        responseBodies: [0, 9],
        messagesTransmitted: [0, 200],
        connectionTransmitted: [0, 200],
      },
    },
    client: async ({ open }) => {
      const client = await open();
      client.send(post(HUGE.subarray(0, 20_000_000)));
      await client.closed();
    },
  },
]);
