/** The corpus: what is wrong before there is a body: heads, lengths, chunks, pipelines, connections. */
import type { CaseTimes } from "./hostile-body.ts";
import { point, requestOf, sumMetric } from "./wire.ts";

/** One connection: what is written to it, and the statuses that come back before it ends. */
export interface HostileExchange {
  readonly name: string;
  readonly write: (times: CaseTimes) => Uint8Array | string;
  readonly answers: readonly number[];
  readonly adds?: Readonly<Record<string, bigint>>;
}

const PATH = "/v1/metrics";
const PROTOBUF = "Content-Type: application/x-protobuf\r\n";
const LAST = "Connection: close\r\n";

const good = ({ start, time }: CaseTimes): Buffer => requestOf(sumMetric([point(start, time, 1n)]));

function post(headers: string, body: Uint8Array | string = ""): Buffer {
  return Buffer.concat([
    Buffer.from(`POST ${PATH} HTTP/1.1\r\nHost: a\r\n${headers}\r\n`),
    Buffer.from(body as Uint8Array),
  ]);
}

function whole(times: CaseTimes, headers: string = ""): Buffer {
  const body = good(times);
  return post(`${PROTOBUF}${headers}Content-Length: ${body.length}\r\n`, body);
}

function chunked(times: CaseTimes, size: number, extension: string = ""): Buffer {
  const body = good(times);
  const parts: Buffer[] = [];
  for (let at = 0; at < body.length; at += size) {
    const part = body.subarray(at, at + size);
    parts.push(Buffer.from(`${part.length.toString(16)}${extension}\r\n`), part, Buffer.from("\r\n"));
  }
  return post(`${PROTOBUF}${LAST}Transfer-Encoding: chunked\r\n`, Buffer.concat([...parts, Buffer.from("0\r\n\r\n")]));
}

const heads = (status: number, shapes: Readonly<Record<string, string>>): HostileExchange[] =>
  Object.entries(shapes).map(([name, head]) => ({ name, write: () => head, answers: [status] }));

/** Cases of connections. */
export const HOSTILE_EXCHANGES: readonly HostileExchange[] = [
  ...heads(400, {
    "no HTTP": "hello\r\n\r\n",
    "a TLS greeting": "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    "HTTP/2 without being asked": "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "HTTP of another version": `POST ${PATH} HTTP/9.9\r\nHost: a\r\n\r\n`,
    "no host": `POST ${PATH} HTTP/1.1\r\n${PROTOBUF}Content-Length: 0\r\n\r\n`,
    "a length and chunks": `POST ${PATH} HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
    "two lengths": `POST ${PATH} HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello`,
    "a negative length": `POST ${PATH} HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n`,
    "a length with a sign": `POST ${PATH} HTTP/1.1\r\nHost: a\r\nContent-Length: +5\r\n\r\nhello`,
    "a length in hexadecimal": `POST ${PATH} HTTP/1.1\r\nHost: a\r\nContent-Length: 0x5\r\n\r\nhello`,
    "a length beyond 64 bits": `POST ${PATH} HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999999\r\n\r\n`,
    "chunks that are not the last coding": `POST ${PATH} HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n`,
    "a space before the colon": `POST ${PATH} HTTP/1.1\r\nHost: a\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n`,
    "a header that goes on in the next line": `POST ${PATH} HTTP/1.1\r\nHost: a\r\nX: a\r\n b\0\r\n\r\n`,
    "a NUL in a header": `POST ${PATH} HTTP/1.1\r\nHost: a\r\nX: \0\r\n\r\n`,
    "a bare line feed": `POST ${PATH} HTTP/1.1\r\nHost: a\r\nX: a\rY: b\r\n\r\n`,
  }),
  ...heads(431, { "headers of a mebibyte": `GET / HTTP/1.1\r\nHost: a\r\nX: ${"x".repeat(1_048_576)}\r\n\r\n` }),
  ...heads(404, {
    "another path": `POST /v1/traces HTTP/1.1\r\nHost: a\r\n${LAST}Content-Length: 0\r\n\r\n`,
    "a path that climbs": `POST /v1/metrics/../../etc/passwd HTTP/1.1\r\nHost: a\r\n${LAST}Content-Length: 0\r\n\r\n`,
    "an absolute address": `POST http://other.example/v1/metrics HTTP/1.1\r\nHost: a\r\n${LAST}Content-Length: 0\r\n\r\n`,
    "an asterisk": `OPTIONS * HTTP/1.1\r\nHost: a\r\n${LAST}\r\n`,
  }),
  ...heads(405, {
    GET: `GET ${PATH} HTTP/1.1\r\nHost: a\r\n${LAST}\r\n`,
    DELETE: `DELETE ${PATH} HTTP/1.1\r\nHost: a\r\n${LAST}\r\n`,
  }),
  ...heads(415, {
    "no content type": `POST ${PATH} HTTP/1.1\r\nHost: a\r\n${LAST}Content-Length: 0\r\n\r\n`,
    "a content type of pages": `POST ${PATH} HTTP/1.1\r\nHost: a\r\n${LAST}Content-Type: text/html\r\nContent-Length: 0\r\n\r\n`,
    "a content type of a million": `POST ${PATH} HTTP/1.1\r\nHost: a\r\n${LAST}Content-Type: ${"a/b;".repeat(2000)}\r\nContent-Length: 0\r\n\r\n`,
    "an encoding that we do not have": `POST ${PATH} HTTP/1.1\r\nHost: a\r\n${LAST}${PROTOBUF}Content-Encoding: br\r\nContent-Length: 0\r\n\r\n`,
    "two encodings": `POST ${PATH} HTTP/1.1\r\nHost: a\r\n${LAST}${PROTOBUF}Content-Encoding: gzip, gzip\r\nContent-Length: 0\r\n\r\n`,
    "an encoding named like a property": `POST ${PATH} HTTP/1.1\r\nHost: a\r\n${LAST}${PROTOBUF}Content-Encoding: __proto__\r\nContent-Length: 0\r\n\r\n`,
  }),
  ...heads(413, {
    "a length over the limit": `POST ${PATH} HTTP/1.1\r\nHost: a\r\n${PROTOBUF}Content-Length: 999999999\r\n\r\n`,
  }),
  {
    name: "a body in chunks, without a length",
    write: (times) => chunked(times, 16),
    answers: [200],
    adds: { wire_bytes_in: 1n },
  },
  {
    name: "a body in chunks of one byte",
    write: (times) => chunked(times, 1),
    answers: [200],
    adds: { wire_bytes_in: 1n },
  },
  {
    name: "chunks with vast extensions",
    write: (times) => chunked(times, 16, `;${"x".repeat(20_000)}`),
    answers: [400],
  },
  {
    // Refused for what its head lacks before the coding is found to be unknown.
    name: "a coding that only looks like chunks",
    write: () => post("Transfer-Encoding: xchunked\r\n", "0\r\n\r\n"),
    answers: [415, 400],
  },
  {
    name: "a chunk whose length is beyond 64 bits",
    write: () => post(`${PROTOBUF}Transfer-Encoding: chunked\r\n`, "fffffffffffffffff\r\nx"),
    answers: [400],
  },
  {
    name: "a chunk without a length",
    write: () => post(`${PROTOBUF}Transfer-Encoding: chunked\r\n`, "zz\r\nx"),
    answers: [400],
  },
  {
    name: "a length that is too short, so that the rest is read as a request",
    write: (times) => {
      const body = good(times);
      return post(
        `${PROTOBUF}Content-Length: ${body.length - 1}\r\n`,
        Buffer.concat([body, Buffer.from("\x00\r\n\r\n")]),
      );
    },
    answers: [400],
  },
  {
    // Node gives up the connection before the first request is answered: its sender cannot take it for accepted.
    name: "a request and then garbage",
    write: () => Buffer.concat([post(`${PROTOBUF}Content-Length: 0\r\n`), Buffer.from("\x00\x01\x02garbage\r\n\r\n")]),
    answers: [400],
  },
  {
    name: "two hundred requests in one write, all the same",
    write: (times) => {
      const requests = Array.from({ length: 199 }, () => whole(times));
      return Buffer.concat([...requests, whole(times, LAST)]);
    },
    answers: Array.from({ length: 200 }, () => 200),
    adds: { wire_bytes_in: 1n },
  },
  {
    name: "a request that hides another in its body",
    write: (times) => {
      const hidden = whole(times);
      return post(`${PROTOBUF}${LAST}Content-Length: ${hidden.length}\r\n`, hidden);
    },
    answers: [400],
  },
  {
    name: "a wish to speak another protocol",
    write: (times) => whole(times, `Connection: upgrade, close\r\nUpgrade: websocket\r\n`),
    answers: [200],
    adds: { wire_bytes_in: 1n },
  },
  {
    name: "an expectation that nobody knows",
    write: () => post(`${PROTOBUF}${LAST}Expect: a miracle\r\nContent-Length: 0\r\n`),
    answers: [417],
  },
];
