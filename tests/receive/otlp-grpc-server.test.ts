import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { connect as http2Connect } from "node:http2";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect as tlsConnect } from "node:tls";
import {
  Client,
  compressionAlgorithms,
  credentials,
  type ChannelCredentials,
  Metadata,
  type ServiceError,
  status,
} from "@grpc/grpc-js";
import { afterEach, describe, expect, it } from "vitest";

import { systemClock } from "../../src/model/clock.ts";
import type { OtlpHandler, OtlpRequest } from "../../src/model/otlp-exchange.ts";
import { type FailureCode, failure, retryable, success } from "../../src/model/result.ts";
import { encodeRpcStatus } from "../../src/otlp/otlp-response.ts";
import {
  DEFAULT_OTLP_GRPC_LIMITS,
  type OtlpGrpcLimits,
  OtlpGrpcServer,
  type OtlpGrpcServerOptions,
} from "../../src/receive/otlp-grpc-server.ts";
import { RetryInfoType, StatusType } from "../otlp/otlp-proto.ts";
import { makeCertificate } from "../support/certificate.ts";

const PATH = "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export";
const NOTHING_REJECTED = { rejectedPoints: 0, message: "" };

const servers: OtlpGrpcServer[] = [];
const clients: Client[] = [];
afterEach(async () => {
  for (const one of clients.splice(0)) one.close();
  await Promise.all(servers.splice(0).map((server) => server.close(0)));
});

interface Started {
  readonly server: OtlpGrpcServer;
  readonly port: number;
  readonly received: OtlpRequest[];
  readonly thrown: string[];
}

async function start(
  handler: OtlpHandler = async () => success(NOTHING_REJECTED),
  limits: Partial<OtlpGrpcLimits> = {},
  more: Partial<OtlpGrpcServerOptions> = {},
): Promise<Started> {
  const received: OtlpRequest[] = [];
  const thrown: string[] = [];
  const server = new OtlpGrpcServer({
    host: "127.0.0.1",
    port: 0,
    limits: { ...DEFAULT_OTLP_GRPC_LIMITS, ...limits },
    clock: { ...systemClock, nowMillis: () => 1_700_000_000_000 },
    handler(request) {
      received.push(request);
      return handler(request);
    },
    encodeSuccess: (acceptance) => Buffer.from(JSON.stringify(acceptance)),
    encodeDetails: encodeRpcStatus,
    faulted: (reason) => thrown.push(reason),
    ...more,
  });
  servers.push(server);
  const listening = await server.listen();
  if (listening.kind !== "success") throw new Error(listening.reason);
  return { server, port: listening.value, received, thrown };
}

type Outcome =
  | { readonly code: 0; readonly message: string }
  | { readonly code: number; readonly details: string; readonly retrySeconds: number | undefined };

interface CallOptions {
  readonly token?: string;
  readonly gzip?: boolean;
  readonly channel?: ChannelCredentials;
}

function client(port: number, { gzip = false, channel = credentials.createInsecure() }: CallOptions = {}): Client {
  const options = {
    "grpc.default_compression_algorithm": gzip ? compressionAlgorithms.gzip : compressionAlgorithms.identity,
    "grpc.enable_retries": 0,
  };
  const made = new Client(`127.0.0.1:${port}`, channel, options);
  clients.push(made);
  return made;
}

function call(from: Client, body: Buffer, token?: string): Promise<Outcome> {
  const metadata = new Metadata();
  if (token !== undefined) metadata.set("authorization", `Bearer ${token}`);
  const same = (bytes: Buffer): Buffer => bytes;
  return new Promise((resolve) => {
    const done = (error: ServiceError | null, answer?: Buffer): void => {
      if (error === null) resolve({ code: 0, message: String(answer) });
      else resolve({ code: error.code, details: error.details, retrySeconds: retrySecondsOf(error) });
    };
    from.makeUnaryRequest(PATH, same, same, body, metadata, { deadline: Date.now() + 10_000 }, done);
  });
}

/** What the error's `google.rpc.Status` says of trying again; checks that it says the rest as the call does. */
function retrySecondsOf(error: ServiceError): number | undefined {
  const [bytes] = error.metadata.get("grpc-status-details-bin");
  if (bytes === undefined) return undefined;
  const decoded = StatusType.toObject(StatusType.decode(bytes as Buffer)) as {
    code: number;
    message: string;
    details?: { typeUrl: string; value: Buffer }[];
  };
  expect([decoded.code, decoded.message]).toEqual([error.code, error.details]);
  const retry = decoded.details?.find(({ typeUrl }) => typeUrl === "type.googleapis.com/google.rpc.RetryInfo");
  if (retry === undefined) return undefined;
  const { retryDelay } = RetryInfoType.toObject(RetryInfoType.decode(retry.value), { longs: Number }) as {
    retryDelay: { seconds: number };
  };
  return retryDelay.seconds;
}

describe("what is taken in", () => {
  it("is handed on as the bytes it came as, and answered with what the door says", async () => {
    const { port, received } = await start(async () => success({ rejectedPoints: 3, message: "too old" }));
    const body = Buffer.from([0, 1, 2, 255]);
    expect(await call(client(port), body)).toEqual({
      code: 0,
      message: JSON.stringify({ rejectedPoints: 3, message: "too old" }),
    });
    expect(received).toEqual([
      { contentType: "protobuf", encoding: "identity", body, receivedAtMillis: 1_700_000_000_000 },
    ]);
  });

  it("may be compressed, and may be empty", async () => {
    const { port, received } = await start();
    const body = Buffer.alloc(100_000, "metrics ");
    expect((await call(client(port, { gzip: true }), body)).code).toBe(0);
    expect((await call(client(port), Buffer.alloc(0))).code).toBe(0);
    expect(received.map((request) => request.body.length)).toEqual([100_000, 0]);
  });
});

describe("what is refused", () => {
  it.each<[FailureCode, number]>([
    ["invalid", status.INVALID_ARGUMENT],
    ["too_large", status.RESOURCE_EXHAUSTED],
    ["unsupported", status.UNIMPLEMENTED],
  ])("for good: %s is answered %i without a RetryInfo, so that clients drop it", async (code, expected) => {
    const { port } = await start(async () => failure(code, "never"));
    expect(await call(client(port), Buffer.from("x"))).toEqual({
      code: expected,
      details: "never",
      retrySeconds: undefined,
    });
  });

  it.each<FailureCode>(["overloaded", "unavailable", "conflict", "internal"])(
    "for now: %s is answered UNAVAILABLE with a RetryInfo, so that clients try again",
    async (code) => {
      const { port } = await start(async () => retryable(code, "later"));
      expect(await call(client(port), Buffer.from("x"))).toEqual({
        code: status.UNAVAILABLE,
        details: "later",
        retrySeconds: 1,
      });
    },
  );

  it("of a sender over a limit of its own: RESOURCE_EXHAUSTED, with the time after which it may try again", async () => {
    const { port } = await start(async () => retryable("limited", "too much", 12));
    expect(await call(client(port), Buffer.from("x"))).toEqual({
      code: status.RESOURCE_EXHAUSTED,
      details: "too much",
      retrySeconds: 12,
    });
  });

  it("when a tenant's token was taken back; until then the door is told whose call it is", async () => {
    const digest = createHash("sha256").update("team-token").digest("hex");
    let tokens: ReadonlyMap<string, string> = new Map([[digest, "team"]]);
    const { port, received } = await start(undefined, {}, { token: "token-of-all", tenantTokens: () => tokens });
    const from = client(port);
    for (const token of ["team-token", "token-of-all"]) {
      expect((await call(from, Buffer.from("x"), token)).code).toBe(0);
    }
    expect(received.map(({ tenant }) => tenant)).toEqual(["team", undefined]);
    tokens = new Map();
    expect(await call(from, Buffer.from("x"), "team-token")).toMatchObject({ code: status.UNAUTHENTICATED });
  });

  it("can be tried again when the handler threw, which is told", async () => {
    const { port, thrown } = await start(async () => {
      throw new Error("a fault");
    });
    expect(await call(client(port), Buffer.from("x"))).toMatchObject({ code: status.UNAVAILABLE, retrySeconds: 1 });
    expect(thrown).toEqual(["a fault"]);
  });

  it("when the token is missing or wrong, before the message is read", async () => {
    const { port, received } = await start(undefined, {}, { token: "secret token" });
    for (const token of [undefined, "wrong", "secret"]) {
      expect(await call(client(port), Buffer.from("x"), token)).toMatchObject({ code: status.UNAUTHENTICATED });
    }
    expect(received).toEqual([]);
  });

  it("and each answer is counted by what became of the call", async () => {
    const outcomes = [success(NOTHING_REJECTED), failure("invalid", "no"), retryable("overloaded", "later")] as const;
    let calls = 0;
    const { port, server } = await start(async () => outcomes[calls++]!, {}, { token: "secret" });
    const from = client(port);
    await call(from, Buffer.from("x"), "wrong");
    for (const _ of outcomes) await call(from, Buffer.from("x"), "secret");
    expect(server.outcomes).toEqual(
      new Map([
        ["unauthenticated", 1],
        ["accepted", 1],
        ["invalid", 1],
        ["overloaded", 1],
      ]),
    );
    expect([server.heldBytes, await server.connections()]).toEqual([0, 1]);
  });

  it("never when the token is right", async () => {
    const { port } = await start(undefined, {}, { token: "secret" });
    expect((await call(client(port), Buffer.from("x"), "secret")).code).toBe(0);
  });

  it("when a message is larger than the limit, as it comes or once it is inflated", async () => {
    const { port, received } = await start(undefined, { maxBodyBytes: 1000 });
    expect((await call(client(port), Buffer.alloc(1001))).code).toBe(status.RESOURCE_EXHAUSTED);
    expect((await call(client(port, { gzip: true }), Buffer.alloc(10_000_000))).code).toBe(status.RESOURCE_EXHAUSTED);
    expect((await call(client(port), Buffer.alloc(1000))).code).toBe(0);
    expect(received).toHaveLength(1);
  });

  it("for now when too many bytes are held", async () => {
    let release = (): void => undefined;
    const held = new Promise<void>((resolve) => (release = resolve));
    const entered: (() => void)[] = [];
    const first = new Promise<void>((resolve) => entered.push(resolve));
    const { port } = await start(
      async () => {
        entered[0]!();
        await held;
        return success(NOTHING_REJECTED);
      },
      { maxInFlightBytes: 100 },
    );
    const slow = call(client(port), Buffer.alloc(80));
    await first;
    expect(await call(client(port), Buffer.alloc(80))).toMatchObject({ code: status.UNAVAILABLE, retrySeconds: 1 });
    release();
    expect((await slow).code).toBe(0);
    expect((await call(client(port), Buffer.alloc(80))).code).toBe(0);
  });

  it("when another method or service is called", async () => {
    const { port } = await start();
    const session = http2Connect(`http://127.0.0.1:${port}`);
    const answered = await new Promise<unknown>((resolve, reject) => {
      const stream = session.request({
        ":method": "POST",
        ":path": "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
        "content-type": "application/grpc",
        te: "trailers",
      });
      stream.once("response", (headers) => resolve(headers["grpc-status"]));
      stream.once("error", reject);
      stream.end();
    });
    session.destroy();
    expect(Number(answered)).toBe(status.UNIMPLEMENTED);
  });
});

describe("a server that stops", () => {
  it("answers what is in flight, and takes no more connections", async () => {
    let release = (): void => undefined;
    const held = new Promise<void>((resolve) => (release = resolve));
    let enter = (): void => undefined;
    const entered = new Promise<void>((resolve) => (enter = resolve));
    const { server, port } = await start(async () => {
      enter();
      await held;
      return success(NOTHING_REJECTED);
    });
    const answer = call(client(port), Buffer.from("x"));
    await entered;
    const closed = server.close(5000);
    release();
    expect((await answer).code).toBe(0);
    await closed;
    expect((await call(client(port), Buffer.from("x"))).code).toBe(status.UNAVAILABLE);
  });

  it("ends after its deadline though a call is still open", async () => {
    const { server, port } = await start(() => new Promise(() => undefined));
    const answer = call(client(port), Buffer.from("x"));
    await expect.poll(() => clients[0]?.getChannel().getConnectivityState(false)).toBe(2);
    await server.close(10);
    expect((await answer).code).not.toBe(0);
  });
});

it("says why it cannot listen", async () => {
  const { port } = await start();
  const second = new OtlpGrpcServer({
    host: "127.0.0.1",
    port,
    limits: DEFAULT_OTLP_GRPC_LIMITS,
    clock: systemClock,
    handler: async () => success(NOTHING_REJECTED),
    encodeSuccess: () => Buffer.alloc(0),
    encodeDetails: encodeRpcStatus,
    faulted: () => undefined,
  });
  expect(await second.listen()).toMatchObject({ kind: "retryable", code: "unavailable" });
});

it("speaks TLS, and uses another certificate for connections to come", async () => {
  const folder = mkdtempSync(join(tmpdir(), "otel-bandwidth-grpc-"));
  try {
    const files = (name: string): { cert: Buffer; key: Buffer } => {
      const { certFile, keyFile } = makeCertificate(folder, name);
      return { cert: readFileSync(certFile), key: readFileSync(keyFile) };
    };
    const [first, second] = [files("first"), files("second")];
    const { server, port } = await start(undefined, {}, { tls: first });
    const channel = credentials.createSsl(first.cert);
    expect((await call(client(port, { channel }), Buffer.from("x"))).code).toBe(0);
    server.setSecureContext(second);
    const subject = await new Promise((resolve, reject) => {
      const socket = tlsConnect({ port, host: "127.0.0.1", rejectUnauthorized: false, ALPNProtocols: ["h2"] }, () => {
        resolve(socket.getPeerCertificate().subject.CN);
        socket.destroy();
      });
      socket.once("error", reject);
    });
    expect(subject).toBe("second");
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
