/**
 * Scenarios of request bodies and request heads.
 */

import type { RequestListener } from "node:http";
import { CLOSE, chunked, get, MEGABYTE, noise, post } from "./messages.ts";
import type { Scenario } from "./scenario.ts";
import { type ClientSide, serverScenarios } from "./server-scenario.ts";

const readAll: RequestListener = (request, response) => {
  request.resume().on("end", () => response.end("read"));
};
const neverRead: RequestListener = (_request, response) => response.end("no thanks");
const big = noise(5 * MEGABYTE);

/** Sends each piece when the one before has left. */
function inPieces(pieces: readonly (string | Buffer)[], methods: readonly string[]) {
  return async ({ open }: ClientSide): Promise<void> => {
    const client = await open();
    client.socket.setNoDelay(true);
    for (const piece of pieces) {
      client.send(piece);
      await new Promise((resolve) => setImmediate(resolve));
    }
    await client.responses(methods);
    await client.close();
  };
}

/** Request scenarios. */
export const REQUESTS: readonly Scenario[] = serverScenarios("requests", [
  { name: "with a content length", send: [post("hällo")], handler: readAll },
  { name: "an empty body", send: [post("")], handler: readAll },
  { name: "chunked", send: [chunked(["one", "x".repeat(5_000)])], handler: readAll },
  {
    name: "chunked with extensions and trailers",
    send: [chunked(["one", "two"], { extension: ";name=value", trailers: "Checksum: abc\r\n" })],
    handler: readAll,
  },
  { name: "chunked and empty", send: [chunked([])], handler: readAll },
  { name: "large, read", send: [post(big)], handler: readAll },
  { name: "large, echoed", send: [post(big)], handler: (request, response) => void request.pipe(response) },
  {
    name: "read by async iteration",
    send: [post(noise(200_000))],
    handler: (request, response) => {
      void (async () => {
        let bytes = 0;
        for await (const piece of request) bytes += (piece as Buffer).length;
        response.end(String(bytes));
      })();
    },
  },
  {
    name: "read as text, in characters",
    send: [post("€".repeat(30_000))],
    handler: (request, response) => {
      let text = "";
      request
        .setEncoding("utf8")
        .on("data", (piece: string) => (text += piece))
        .on("end", () => response.end(String(text.length)));
    },
  },
  {
    name: "a byte at a time",
    client: inPieces(cut(post("0123456789").toString("latin1"), 1), ["POST"]),
    handler: readAll,
  },
  {
    name: "chunks cut anywhere",
    client: inPieces(cut(chunked(["x".repeat(50), "y".repeat(17)], { trailers: "A: b\r\n" }), 7), ["POST"]),
    handler: readAll,
  },
  { name: "never read, small", send: [post("small")], handler: neverRead },
  { name: "never read, 1 MB", send: [post(noise(MEGABYTE))], handler: neverRead },
  { name: "never read, then another request", send: [post(noise(MEGABYTE)), get()], handler: neverRead },
  { name: "never read, chunked", send: [chunked(["x".repeat(70_000), "y".repeat(70_000)])], handler: neverRead },
  {
    name: "never read, expecting 100 continue, refused and sent nevertheless",
    send: [post("body", "Expect: 100-continue\r\n")],
    prepare: (server) => {
      server.on("checkContinue", (_request, response) => response.writeHead(413).end());
    },
  },
  {
    name: "paused for a while",
    send: [post(noise(500_000))],
    handler: (request, response) => {
      request.once("data", () => {
        request.pause();
        setImmediate(() => request.resume());
      });
      request.on("end", () => response.end("read"));
    },
  },
  {
    name: "answered before the body came",
    handler: neverRead,
    client: async ({ open }) => {
      const client = await open();
      const bytes = post("0123456789");
      client.send(bytes.subarray(0, bytes.length - 8));
      await client.responses(["POST"]);
      client.send(bytes.subarray(bytes.length - 8));
      client.send(get());
      await client.responses(["POST", "GET"]);
      await client.close();
    },
  },
  { name: "GET with a body", send: [post("why not", "", "GET")], handler: readAll },
  { name: "DELETE with a body", send: [post("this", "", "DELETE")], handler: readAll },
  { name: "OPTIONS *", send: [get("*", "", "OPTIONS")], handler: readAll },
  { name: "an absolute target", send: [get("http://test/absolute")], handler: readAll },
  { name: "a long target", send: [get(`/${"x".repeat(6_000)}`)], handler: readAll },
  {
    name: "odd but legal header lines",
    send: ["GET / HTTP/1.1\r\nhost:test\r\nA:  \t b \r\nEmpty:\r\nB: c\r\nB: d\r\n\r\n"],
    handler: readAll,
  },
  { name: "latin1 in a header", send: [get("/", "Name: J\xfcrgen\r\n")], handler: readAll },
  {
    name: "a hundred headers",
    send: [get("/", Array.from({ length: 100 }, (_, index) => `X-${index}: ${index}\r\n`).join(""))],
    handler: readAll,
  },
  { name: "empty lines before the request", send: [`\r\n\r\n${get()}`], handler: readAll },
  {
    name: "the url rewritten by the app",
    send: [get("/a")],
    handler: (request, response) => {
      request.url = "/something/much/longer";
      response.end();
    },
  },
  { name: "no Host, answered by Node", send: [`GET / HTTP/1.1\r\n${CLOSE}\r\n`], handler: readAll },
  {
    name: "a body shorter than its content length, then the end",
    handler: neverRead,
    messages: "exchanges",
    client: async ({ open }) => {
      const client = await open();
      client.send("POST / HTTP/1.1\r\nHost: test\r\nContent-Length: 100\r\n\r\n0123456789");
      await client.responses(["POST"]);
      await client.close();
    },
  },
  {
    name: "a body longer than its content length: the rest is refused",
    handler: readAll,
    messages: "exchanges",
    bound: { name: "refused-input", allowed: { messagesReceived: [15, 15] } },
    client: async ({ open }) => {
      const client = await open();
      client.send("POST / HTTP/1.1\r\nHost: test\r\nContent-Length: 4\r\n\r\nbody and \r\nmore\r\n\r\n");
      await client.closed();
    },
  },
]);

function cut(text: string, bytes: number): string[] {
  return Array.from({ length: Math.ceil(text.length / bytes) }, (_, index) =>
    text.slice(index * bytes, (index + 1) * bytes),
  );
}
