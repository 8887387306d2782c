/**
 * Scenarios of HTTPS/1: bodies and messages in clear text, connections as they are on the wire.
 */

import type { RequestListener } from "node:http";
import { CLOSE, chunked, get, noise, post } from "./messages.ts";
import type { Scenario } from "./scenario.ts";
import { type ServerScenario, tlsServerScenarios } from "./server-scenario.ts";

const RECORD_BYTES = 16_384;
const readAll: RequestListener = (request, response) => {
  request.resume().on("end", () => response.end("read"));
};

const list: readonly ServerScenario[] = [
  { name: "a small response", send: [get()], handler: (_, res) => res.end("hello") },
  { name: "a large response", send: [get()], handler: (_, res) => res.end(noise(3_000_000)) },
  { name: "a large request", send: [post(noise(3_000_000))], handler: readAll },
  { name: "keep-alive and chunked", send: [get(), chunked(["one", "two"]), get()], handler: readAll },
  { name: "pipelining", send: [get() + chunked(["one"]) + get("/", "", "HEAD")], handler: readAll },
  {
    name: "connection: close",
    handler: (_, res) => res.end("bye"),
    client: async ({ open }) => {
      const client = await open();
      client.send(get("/", CLOSE));
      await client.closed();
    },
  },
  {
    name: "upgrade",
    messages: "exchanges",
    upgrades: true,
    prepare: (server) => {
      server.on("upgrade", (_request, socket, head) => {
        socket.write("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n");
        socket.write(head);
        socket.pipe(socket);
      });
    },
    client: async ({ open }) => {
      const client = await open();
      client.send(get("/", "Connection: Upgrade\r\nUpgrade: echo\r\n"));
      client.send(noise(50_000));
      while (client.receivedBytes < 50_000) await client.more();
      await client.close();
    },
  },
  {
    name: "not HTTP: 400 by the parser",
    messages: "exchanges",
    client: async ({ open }) => {
      const client = await open();
      client.send("NONSENSE\r\n\r\n");
      await client.closed();
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
    // Session tickets and the closing alert: nobody takes them.
    bound: { name: "gone-peer", allowed: { connectionTransmitted: [0, 4_096] } },
  },
  {
    name: "the server cuts one end()",
    handler: (_request, response) => {
      response.end(Buffer.alloc(60_000_000));
      setImmediate(() => setImmediate(() => response.destroy()));
    },
    client: async ({ open, server }) => {
      const cut = new Promise<void>((resolve) =>
        server.once("connection", (socket) => socket.once("close", () => resolve())),
      );
      const client = await open();
      client.pause();
      client.send(get());
      await cut;
      client.resume();
      await client.closed();
    },
    bound: {
      name: "tls-record",
      allowed: {
        responseBodies: [-RECORD_BYTES, RECORD_BYTES],
        messagesTransmitted: [-RECORD_BYTES, RECORD_BYTES],
      },
    },
  },
];

/** TLS scenarios. */
export const TLS: readonly Scenario[] = [
  ...tlsServerScenarios("TLS", list),
  ...tlsServerScenarios("TLS 1.2", [
    {
      name: "a small response",
      options: { maxVersion: "TLSv1.2" } as never,
      send: [get()],
      handler: (_, res) => res.end("hello"),
    },
  ]),
  ...tlsServerScenarios("TLS", [
    {
      name: "a client that speaks no TLS",
      messages: "exchanges",
      refused: true,
      clear: true,
      client: async ({ open }) => {
        const client = await open();
        client.send(get());
        await client.closed();
      },
    },
  ]),
];
