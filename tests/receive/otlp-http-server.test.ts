import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { Agent, type IncomingHttpHeaders, request as httpRequest, type RequestOptions } from "node:http";
import { request as httpsRequest } from "node:https";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";

import { systemClock } from "../../src/model/clock.ts";
import type { OtlpHandler, OtlpRequest } from "../../src/model/otlp-exchange.ts";
import { type FailureCode, failure, retryable, success } from "../../src/model/result.ts";
import {
  DEFAULT_OTLP_HTTP_LIMITS,
  type OtlpHttpLimits,
  type OtlpHttpServerOptions,
} from "../../src/receive/otlp-http-options.ts";
import { OtlpHttpServer } from "../../src/receive/otlp-http-server.ts";

const NOTHING_REJECTED = { rejectedPoints: 0, message: "" };
const PROTOBUF = { "content-type": "application/x-protobuf" };
const JSON_TYPE = { "content-type": "application/json" };

interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

const servers: OtlpHttpServer[] = [];

afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.close(0)));
});

interface Started {
  readonly server: OtlpHttpServer;
  readonly port: number;
  readonly received: OtlpRequest[];
  readonly thrown: string[];
}

async function start(
  handler: OtlpHandler = async () => success(NOTHING_REJECTED),
  limits: Partial<OtlpHttpLimits> = {},
  more: Partial<OtlpHttpServerOptions> = {},
): Promise<Started> {
  const received: OtlpRequest[] = [];
  const thrown: string[] = [];
  const server = new OtlpHttpServer({
    host: "127.0.0.1",
    port: 0,
    limits: { ...DEFAULT_OTLP_HTTP_LIMITS, ...limits },
    clock: { ...systemClock, nowMillis: () => 1_700_000_000_000 },
    handler(request) {
      received.push(request);
      return handler(request);
    },
    encodeSuccess: (contentType, acceptance) => Buffer.from(`${contentType} ${JSON.stringify(acceptance)}`),
    encodeStatus: (contentType, code, reason) => Buffer.from(`${contentType} ${code} ${reason}`),
    faulted: (reason) => void thrown.push(reason),
    ...more,
  });
  servers.push(server);
  const listening = await server.listen();
  if (listening.kind !== "success") throw new Error(listening.reason);
  return { server, port: listening.value, received, thrown };
}

function send(
  port: number,
  options: RequestOptions,
  body: Uint8Array | string = "",
  secure: boolean = false,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const make = secure ? httpsRequest : httpRequest;
    const request = make({ host: "127.0.0.1", port, path: "/v1/metrics", method: "POST", ...options }, (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("end", () => {
        resolve({
          status: response.statusCode!,
          headers: response.headers,
          body: Buffer.concat(chunks).toString(),
        });
      });
    });
    request.on("error", reject);
    request.end(body);
  });
}

/** Writes `text` to a bare connection and gives what comes back until it ends. */
function exchangeRaw(port: number, text: string): { socket: Socket; ended: Promise<string> } {
  const socket = connect(port, "127.0.0.1");
  const ended = new Promise<string>((resolve) => {
    let answer = "";
    socket.on("data", (chunk: Buffer) => (answer += chunk.toString()));
    socket.on("error", () => undefined);
    socket.on("close", () => resolve(answer));
  });
  socket.write(text);
  return { socket, ended };
}

/** A promise that is settled from outside. */
function gate(): { readonly opened: Promise<void>; open(): void } {
  const { promise, resolve } = Promise.withResolvers<void>();
  return { opened: promise, open: resolve };
}

describe("a request that is accepted", () => {
  test.each([
    ["protobuf", "application/x-protobuf"],
    ["json", "application/json"],
    ["json", "Application/JSON; charset=utf-8"],
  ])("is handed over as %s for %s and answered in the same type", async (form, contentType) => {
    const { port, received } = await start();
    const answer = await send(port, { headers: { "content-type": contentType } }, "body");
    expect(answer.status).toBe(200);
    expect(answer.headers["content-type"]).toBe(form === "json" ? "application/json" : "application/x-protobuf");
    expect(answer.body).toBe(`${form} {"rejectedPoints":0,"message":""}`);
    expect(received).toEqual([
      { contentType: form, encoding: "identity", body: Buffer.from("body"), receivedAtMillis: 1_700_000_000_000 },
    ]);
  });

  test.each([
    ["gzip", "gzip"],
    ["GZIP", "gzip"],
    ["zstd", "zstd"],
    ["identity", "identity"],
  ])("with content encoding %s is handed over as %s, as it came", async (header, encoding) => {
    const { port, received } = await start();
    await send(port, { headers: { ...PROTOBUF, "content-encoding": header } }, Buffer.of(1, 2, 3));
    expect(received[0]).toMatchObject({ encoding, body: Buffer.of(1, 2, 3) });
  });

  test("may come in chunks and is read whole", async () => {
    const { port, received } = await start();
    const body = Buffer.alloc(300_000, 7);
    await send(port, { headers: { ...PROTOBUF, "transfer-encoding": "chunked" } }, body);
    expect(received[0]?.body.length).toBe(300_000);
  });

  test("is answered 200 with what was rejected", async () => {
    const { port } = await start(async () => success({ rejectedPoints: 3, message: "too old" }));
    const answer = await send(port, { headers: JSON_TYPE });
    expect([answer.status, answer.body]).toEqual([200, 'json {"rejectedPoints":3,"message":"too old"}']);
  });

  test("is invited by 100 Continue when its sender waits for that", async () => {
    const { port } = await start();
    const head = "POST /v1/metrics HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nExpect: 100-continue\r\n";
    const { socket, ended } = exchangeRaw(port, `${head}Content-Length: 2\r\nConnection: close\r\n\r\n`);
    socket.once("data", () => socket.write("{}"));
    expect(await ended).toMatch(/^HTTP\/1.1 100 Continue\r\n\r\nHTTP\/1.1 200 OK/);
  });
});

describe("a request that is refused before its body is read", () => {
  test.each<[string, RequestOptions, number, string]>([
    ["another path", { path: "/v1/traces", headers: PROTOBUF }, 404, "protobuf unsupported"],
    ["another method", { method: "GET", headers: JSON_TYPE }, 405, "json unsupported"],
    ["no content type", {}, 415, "json unsupported"],
    ["an unknown content type", { headers: { "content-type": "text/plain" } }, 415, "json unsupported"],
    [
      "an unknown content encoding",
      { headers: { ...PROTOBUF, "content-encoding": "br" } },
      415,
      "protobuf unsupported",
    ],
    [
      "two content encodings",
      { headers: { ...PROTOBUF, "content-encoding": "gzip, gzip" } },
      415,
      "protobuf unsupported",
    ],
    ["a declared length over the limit", { headers: { ...PROTOBUF, "content-length": 11 } }, 413, "protobuf too_large"],
  ])("for %s", async (_name, options, status, body) => {
    const { port, received } = await start(undefined, { maxBodyBytes: 10 });
    const answer = await send(port, options, status === 413 ? "12345678901" : "");
    expect(answer.status).toBe(status);
    expect(answer.body).toContain(body);
    expect(answer.headers["retry-after"]).toBeUndefined();
    expect(received).toEqual([]);
  });

  test("for another method says which is allowed", async () => {
    const { port } = await start();
    expect((await send(port, { method: "PUT" })).headers.allow).toBe("POST");
  });

  test("and a query does not change the path", async () => {
    const { port } = await start();
    expect((await send(port, { path: "/v1/metrics?a=b", headers: PROTOBUF })).status).toBe(200);
  });

  test("for a length over the limit before a byte of the body was sent", async () => {
    const { port } = await start(undefined, { maxBodyBytes: 10, lingerMillis: 20 });
    const head =
      "POST /v1/metrics HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 9999\r\n\r\n";
    expect(await exchangeRaw(port, head).ended).toMatch(/^HTTP\/1.1 413 .*connection: close/is);
  });

  test("keeps the connection for the next request", async () => {
    const { port } = await start(undefined, {}, { token: "secret" });
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const sockets = new Set<unknown>();
    agent.on("free", (socket) => sockets.add(socket));
    expect((await send(port, { agent, headers: PROTOBUF }, Buffer.alloc(200_000))).status).toBe(401);
    expect((await send(port, { agent, headers: { ...PROTOBUF, authorization: "Bearer secret" } }, "x")).status).toBe(
      200,
    );
    expect(sockets.size).toBe(1);
    agent.destroy();
  });
});

describe("the bearer token", () => {
  test.each<[string, string | undefined, number]>([
    ["the right one", "Bearer secret", 200],
    ["another case of the scheme", "bearer secret", 200],
    ["a wrong one", "Bearer secreT", 401],
    ["a longer one", "Bearer secret2", 401],
    ["an empty one", "Bearer ", 401],
    ["another scheme", "Basic secret", 401],
    ["none", undefined, 401],
  ])("%s", async (_name, authorization, status) => {
    const { port, received } = await start(undefined, {}, { token: "secret" });
    const headers = authorization === undefined ? PROTOBUF : { ...PROTOBUF, authorization };
    const answer = await send(port, { headers });
    expect(answer.status).toBe(status);
    expect(answer.headers["www-authenticate"]).toBe(status === 401 ? "Bearer" : undefined);
    expect(received.length).toBe(status === 200 ? 1 : 0);
  });

  test("must not be empty", async () => {
    await expect(start(undefined, {}, { token: "" })).rejects.toThrow("must not be empty");
  });
});

describe("the limits on bodies", () => {
  test("a chunked body over the limit is answered 413 and its connection closed", async () => {
    const { port, received } = await start(undefined, { maxBodyBytes: 1000 });
    const headers = { ...PROTOBUF, "transfer-encoding": "chunked" };
    const answer = await send(port, { headers }, Buffer.alloc(100_000));
    expect([answer.status, answer.headers.connection]).toEqual([413, "close"]);
    expect(received).toEqual([]);
  });

  test("a body of exactly the limit is taken", async () => {
    const { port } = await start(undefined, { maxBodyBytes: 1000 });
    expect((await send(port, { headers: PROTOBUF }, Buffer.alloc(1000))).status).toBe(200);
  });

  test("bodies over the budget of all are answered 503 until others are done", async () => {
    const { opened, open } = gate();
    const arrived = gate();
    const { port } = await start(
      async () => {
        arrived.open();
        await opened;
        return success(NOTHING_REJECTED);
      },
      { maxInFlightBytes: 1000 },
    );
    const first = send(port, { headers: PROTOBUF }, Buffer.alloc(800));
    await arrived.opened;
    for (const headers of [PROTOBUF, { ...PROTOBUF, "transfer-encoding": "chunked" }]) {
      const second = await send(port, { headers }, Buffer.alloc(300));
      expect([second.status, second.headers["retry-after"], second.body]).toEqual([
        503,
        "1",
        expect.stringContaining("protobuf overloaded"),
      ]);
    }
    open();
    expect((await first).status).toBe(200);
    expect((await send(port, { headers: PROTOBUF }, Buffer.alloc(1000))).status).toBe(200);
  });

  test("a body whose memory the handler gave back is given back to the budget, too", async () => {
    const { port } = await start(
      async ({ body }) => {
        (body.buffer as ArrayBuffer).transfer(0);
        return success(NOTHING_REJECTED);
      },
      { maxInFlightBytes: 250_000 },
    );
    for (let round = 0; round < 3; round += 1) {
      expect((await send(port, { headers: PROTOBUF }, Buffer.alloc(200_000))).status).toBe(200);
    }
  });

  test("a sender that goes away in the middle gives its bytes back", async () => {
    const { port } = await start(undefined, { maxInFlightBytes: 1000 });
    const head =
      "POST /v1/metrics HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 900\r\n\r\n";
    const { socket, ended } = exchangeRaw(port, head + "x".repeat(800));
    await expect.poll(async () => (await send(port, { headers: PROTOBUF }, Buffer.alloc(900))).status).toBe(503);
    socket.destroy();
    await ended;
    await expect.poll(async () => (await send(port, { headers: PROTOBUF }, Buffer.alloc(900))).status).toBe(200);
  });

  test("a slow sender is cut off with an answer that says to try again", async () => {
    const limits = { requestTimeoutMillis: 50, headersTimeoutMillis: 50, timeoutCheckMillis: 10 };
    const { port, server, received } = await start(undefined, limits);
    const head = "POST /v1/metrics HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{";
    expect(await exchangeRaw(port, head).ended).toMatch(/^HTTP\/1.1 503 .*Retry-After: 1.*json unavailable/is);
    expect(await exchangeRaw(port, "POST /v1/metrics HTTP/1.1\r\nHo").ended).toMatch(/^HTTP\/1.1 503 /);
    expect(received).toEqual([]);
    expect(server.counts().brokenRequests).toBe(2);
  });

  test("what is not HTTP is answered 400, headers without end 431", async () => {
    const { port } = await start();
    expect(await exchangeRaw(port, "no http\r\n\r\n").ended).toMatch(/^HTTP\/1.1 400 .*json invalid/is);
    const long = `GET / HTTP/1.1\r\nHost: a\r\nX: ${"x".repeat(100_000)}\r\n\r\n`;
    expect(await exchangeRaw(port, long).ended).toMatch(/^HTTP\/1.1 431 /);
  });
});

describe("what the handler says", () => {
  const codes: [FailureCode, number][] = [
    ["invalid", 400],
    ["too_large", 413],
    ["unauthenticated", 401],
    ["unsupported", 415],
    ["overloaded", 503],
    ["unavailable", 503],
    ["conflict", 503],
    ["internal", 503],
  ];

  test.each(codes)("failure %s is answered %i", async (code, status) => {
    const { port } = await start(async () => failure(code, "why"));
    const answer = await send(port, { headers: PROTOBUF }, "x");
    expect([answer.status, answer.body]).toEqual([status, `protobuf ${code} why`]);
    expect(answer.headers["retry-after"]).toBe(status === 503 ? "1" : undefined);
  });

  test.each(codes.map(([code]) => code))("retryable %s is answered 503", async (code) => {
    const { port } = await start(async () => retryable(code, "why"));
    const answer = await send(port, { headers: JSON_TYPE }, "x");
    expect([answer.status, answer.headers["retry-after"], answer.body]).toEqual([503, "1", `json ${code} why`]);
  });

  test("a sender over a limit of its own is answered 429 and told when to try again", async () => {
    const { port, server } = await start(async () => retryable("limited", "too much", 12));
    const answer = await send(port, { headers: PROTOBUF }, "x");
    expect([answer.status, answer.headers["retry-after"], answer.body]).toEqual([
      429,
      "12",
      "protobuf limited too much",
    ]);
    expect(server.counts().outcomes).toEqual(new Map([["limited", 1]]));
  });

  test("a tenant's token tells the door whose request it is, any other token and none are refused", async () => {
    const digest = createHash("sha256").update("team-token").digest("hex");
    const { port, received } = await start(undefined, {}, { tenantTokens: () => new Map([[digest, "team"]]) });
    const statuses: number[] = [];
    for (const authorization of ["Bearer team-token", "Bearer other", undefined]) {
      const headers = authorization === undefined ? PROTOBUF : { ...PROTOBUF, authorization };
      statuses.push((await send(port, { headers }, "x")).status);
    }
    expect([statuses, received.map(({ tenant }) => tenant)]).toEqual([[200, 401, 401], ["team"]]);
  });

  test("a handler that throws is answered 503, told and counted, and the next request is served", async () => {
    let calls = 0;
    const { port, server, thrown } = await start(async () => {
      calls += 1;
      if (calls === 1) throw new Error("a defect");
      return success(NOTHING_REJECTED);
    });
    const answer = await send(port, { headers: PROTOBUF }, "x");
    expect([answer.status, answer.headers["retry-after"]]).toEqual([503, "1"]);
    expect(answer.body).not.toContain("a defect");
    expect(thrown).toEqual(["a defect"]);
    expect((await send(port, { headers: PROTOBUF }, "x")).status).toBe(200);
    expect(server.counts()).toMatchObject({
      handlerErrors: 1,
      answers: new Map([
        [503, 1],
        [200, 1],
      ]),
      outcomes: new Map([
        ["internal", 1],
        ["accepted", 1],
      ]),
    });
    expect([server.heldBytes, await server.connections()]).toEqual([0, expect.any(Number)]);
  });
});

describe("close", () => {
  test("waits for requests in flight, answers 503 on kept connections and refuses new ones", async () => {
    const { opened, open } = gate();
    const arrived = gate();
    const { port, server } = await start(async ({ body }) => {
      if (body.length === 1) {
        arrived.open();
        await opened;
      }
      return success(NOTHING_REJECTED);
    });
    const agent = new Agent({ keepAlive: true });
    const kept = await send(port, { agent, headers: PROTOBUF }, "kept");
    expect(kept.status).toBe(200);
    const inFlight = send(port, { headers: PROTOBUF }, "x");
    await arrived.opened;
    const closed = server.close(60_000);
    const late = await send(port, { agent, headers: PROTOBUF }, "late");
    expect([late.status, late.headers.connection, late.headers["retry-after"]]).toEqual([503, "close", "1"]);
    await expect(send(port, { headers: PROTOBUF, agent: new Agent() })).rejects.toThrow("ECONNREFUSED");
    open();
    const answer = await inFlight;
    expect([answer.status, answer.headers.connection]).toEqual([200, "close"]);
    await closed;
    agent.destroy();
  });

  test("ends at its deadline what has not ended", async () => {
    const arrived = gate();
    const { port, server } = await start(() => {
      arrived.open();
      return new Promise(() => undefined);
    });
    const inFlight = send(port, { headers: PROTOBUF }, "x").catch((error: Error) => error.message);
    await arrived.opened;
    await server.close(10);
    expect(await inFlight).toMatch(/socket hang up|ECONNRESET/);
  });

  test("before listening and twice is harmless", async () => {
    const { server } = await start();
    await server.close(10);
    await server.close(10);
  });
});

test("an address in use is retryable", async () => {
  const { port } = await start();
  await expect(start(undefined, {}, { port })).rejects.toThrow("cannot listen");
});

describe("TLS", () => {
  test("serves, and takes a new certificate for new connections", async () => {
    const [first, second] = [certificate("first"), certificate("second")];
    const { port, server } = await start(undefined, {}, { tls: first });
    const names: string[] = [];
    const checkServerIdentity = (_host: string, peer: { subject: { CN: string } }): undefined =>
      void names.push(peer.subject.CN);
    const trusting = (ca: string): object => ({ headers: PROTOBUF, ca, agent: false, checkServerIdentity });
    expect((await send(port, trusting(first.cert), "x", true)).status).toBe(200);
    server.setSecureContext(second);
    expect((await send(port, trusting(second.cert), "x", true)).status).toBe(200);
    expect(names).toEqual(["first", "second"]);
  });

  test("a server without it takes no certificate", async () => {
    const { server } = await start();
    expect(() => server.setSecureContext({ cert: "", key: "" })).toThrow("no TLS");
  });
});

function certificate(name: string): { cert: string; key: string } {
  const folder = mkdtempSync(join(tmpdir(), "otlp-tls-"));
  const [cert, key] = [join(folder, "cert.pem"), join(folder, "key.pem")];
  const options = ["-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"];
  execFileSync("openssl", ["req", ...options, "-subj", `/CN=${name}`, "-keyout", key, "-out", cert], {
    stdio: "ignore",
  });
  const files = { cert: readFileSync(cert, "utf8"), key: readFileSync(key, "utf8") };
  rmSync(folder, { recursive: true });
  return files;
}
