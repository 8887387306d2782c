/**
 * The OTLP/gRPC server: the same door as OTLP/HTTP's for agents and SDKs that speak gRPC by default. Messages are handed on as
 * the bytes they came as. https://opentelemetry.io/docs/specs/otlp/#otlpgrpc
 */
import {
  type ConnectionInjector,
  Metadata,
  type ServerInterceptingCallInterface,
  type sendUnaryData,
  Server,
  ServerCredentials,
  ServerInterceptingCall,
  type ServerUnaryCall,
  type StatusObject,
} from "@grpc/grpc-js";
import { createServer, type Server as NetServer, type Socket } from "node:net";
import { createServer as createTlsServer, type Server as TlsServer } from "node:tls";

import type { OtlpAcceptance } from "../model/otlp-exchange.ts";
import { failure, messageOf, type Result, retryable } from "../model/result.ts";
import { grpcStatusOf, retryAfterSecondsOf } from "../model/answer-table.ts";
import { listenOn } from "../model/listen-on.ts";
import { openConnections } from "../model/open-connections.ts";
import { OutcomeCounts, type RequestOutcome } from "../model/outcome-counts.ts";
import { BodyBudget } from "./body-budget.ts";
import {
  DEFAULT_OTLP_SERVER_LIMITS,
  type OtlpServerLimits,
  type OtlpServerOptions,
  type TlsFiles,
} from "./otlp-server-options.ts";
import { ANYONE, type Sender, SenderTokens } from "./sender-tokens.ts";

/** Bounds on what senders can take of us. */
export interface OtlpGrpcLimits extends OtlpServerLimits {
  /** Calls of one connection at a time. */
  readonly maxConcurrentCalls: number;
  /** A connection without a call is closed after this time. */
  readonly idleTimeoutMillis: number;
}

/** Limits for any exporter. */
export const DEFAULT_OTLP_GRPC_LIMITS: OtlpGrpcLimits = {
  ...DEFAULT_OTLP_SERVER_LIMITS,
  maxConcurrentCalls: 100,
  idleTimeoutMillis: 300_000,
};

/** What a server works with and within. */
export interface OtlpGrpcServerOptions extends OtlpServerOptions {
  readonly limits: OtlpGrpcLimits;
  /** Writes an `ExportMetricsServiceResponse`. */
  readonly encodeSuccess: (acceptance: OtlpAcceptance) => Uint8Array;
  /** Writes the `google.rpc.Status` of an error; `retryAfterSeconds`: with a `RetryInfo`. */
  readonly encodeDetails: (code: number, reason: string, retryAfterSeconds?: number) => Uint8Array;
}

const asBuffer = (bytes: Buffer): Buffer => bytes;
/** https://github.com/open-telemetry/opentelemetry-proto, `collector/metrics/v1/metrics_service.proto`. */
const METRICS_SERVICE = {
  Export: {
    path: "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export",
    requestStream: false,
    responseStream: false,
    requestSerialize: asBuffer,
    requestDeserialize: asBuffer,
    responseSerialize: asBuffer,
    responseDeserialize: asBuffer,
  },
} as const;
/** The metadata that carries a `google.rpc.Status`; the suffix makes it binary. */
const DETAILS_KEY = "grpc-status-details-bin";

/** One listening server. */
export class OtlpGrpcServer {
  readonly #options: OtlpGrpcServerOptions;
  readonly #tokens: SenderTokens;
  readonly #budget: BodyBudget;
  readonly #grpc: Server;
  readonly #injector: ConnectionInjector;
  /** Listens itself, so that connections are limited and certificates can be exchanged. */
  readonly #listener: NetServer | TlsServer;
  readonly #outcomes = new OutcomeCounts();
  #isClosing = false;

  /** Does not listen yet. Throws on an empty token and on a certificate or key that cannot be read. */
  constructor(options: OtlpGrpcServerOptions) {
    const { limits, tls, token, tenantTokens } = options;
    this.#options = options;
    this.#tokens = new SenderTokens(token, tenantTokens);
    this.#budget = new BodyBudget(limits.maxInFlightBytes);
    this.#grpc = new Server({
      "grpc.max_receive_message_length": limits.maxBodyBytes,
      "grpc.max_concurrent_streams": limits.maxConcurrentCalls,
      "grpc.max_connection_idle_ms": limits.idleTimeoutMillis,
      "grpc.enable_channelz": 0,
      interceptors: [(_, call) => this.#guard(call)],
    });
    this.#grpc.addService(METRICS_SERVICE, {
      Export: (call: ServerUnaryCall<Buffer, Buffer>, answer: sendUnaryData<Buffer>) => void this.#export(call, answer),
    });
    this.#injector = this.#grpc.createConnectionInjector(ServerCredentials.createInsecure());
    const take = (socket: Socket): void => {
      socket.on("error", () => undefined);
      this.#injector.injectConnection(socket);
    };
    this.#listener =
      tls === undefined
        ? createServer(take)
        : createTlsServer({ cert: tls.cert, key: tls.key, ALPNProtocols: ["h2"] }, take);
    this.#listener.maxConnections = limits.maxConnections;
  }

  /** Listens; the port. Retryable `unavailable` when the address cannot be had. */
  listen(): Promise<Result<number>> {
    return listenOn(this.#listener, this.#options);
  }

  /** Uses another certificate for connections from now on. Throws on one that cannot be read and on a server without TLS. */
  setSecureContext(tls: TlsFiles): void {
    if (!("setSecureContext" in this.#listener)) throw new Error("this server has no TLS");
    this.#listener.setSecureContext({ cert: tls.cert, key: tls.key });
  }

  /** Calls since start by what became of them, those apart that the gRPC library itself refused. */
  get outcomes(): ReadonlyMap<RequestOutcome, number> {
    return this.#outcomes.counts();
  }

  /** Bytes of messages that are held now. */
  get heldBytes(): number {
    return this.#budget.bytes;
  }

  /** Connections that are open now. */
  connections(): Promise<number> {
    return openConnections(this.#listener);
  }

  /**
   * Stops accepting connections, answers UNAVAILABLE to new calls on kept ones, waits for those in flight, at most
   * `deadlineMillis`, and ends all connections.
   */
  async close(deadlineMillis: number): Promise<void> {
    this.#isClosing = true;
    if (this.#listener.listening) this.#listener.close();
    await new Promise<void>((resolve) => {
      const timer = this.#options.clock.after(deadlineMillis, resolve);
      this.#grpc.tryShutdown(() => {
        timer.clear();
        resolve();
      });
      this.#injector.drain(deadlineMillis);
    });
    this.#injector.destroy();
    this.#grpc.forceShutdown();
  }

  /** Refuses a call by its metadata, before its message is read. */
  #guard(call: ServerInterceptingCallInterface): ServerInterceptingCall {
    return new ServerInterceptingCall(call, {
      start: (next) =>
        next({
          onReceiveMetadata: (metadata, pass) => {
            const refused = this.#refusalOf(metadata);
            if (refused === undefined) pass(metadata);
            else call.sendStatus(this.#refuse(refused));
          },
          onReceiveMessage: (message, pass) => pass(message),
          onReceiveHalfClose: (pass) => pass(),
          onCancel: () => undefined,
        }),
    });
  }

  #refusalOf(metadata: Metadata): Exclude<Result<never>, { kind: "success" }> | undefined {
    if (this.#isClosing) return retryable("unavailable", "the receiver is shutting down");
    if (!this.#budget.hasRoomFor(0)) return noRoom();
    if (this.#senderOf(metadata) !== undefined) return undefined;
    return NEEDS_TOKEN;
  }

  #senderOf(metadata: Metadata): Sender | undefined {
    return this.#tokens.senderOf(metadata.get("authorization")[0]?.toString());
  }

  async #export(
    { request: body, metadata }: ServerUnaryCall<Buffer, Buffer>,
    answer: sendUnaryData<Buffer>,
  ): Promise<void> {
    // The handler may have given the message's memory back when it returns: its length is then 0.
    const heldBytes = body.length;
    if (!this.#budget.take(heldBytes)) return answer(this.#refuse(noRoom()));
    try {
      const receivedAtMillis = this.#options.clock.nowMillis();
      // Looked up again only where it tells anything; meanwhile the token may have been taken back.
      const sender = this.#tokens.tellTenants ? this.#senderOf(metadata) : ANYONE;
      if (sender === undefined) return answer(this.#refuse(NEEDS_TOKEN));
      const { tenant } = sender;
      const request = { contentType: "protobuf", encoding: "identity", body, receivedAtMillis, tenant } as const;
      const result = await this.#options.handler(request);
      if (result.kind !== "success") return answer(this.#refuse(result));
      this.#outcomes.add("accepted");
      answer(null, Buffer.from(this.#options.encodeSuccess(result.value)));
    } catch (error) {
      this.#options.faulted(messageOf(error));
      answer(this.#refuse(retryable("internal", "the receiver failed; it can be tried again")));
    } finally {
      this.#budget.give(heldBytes);
    }
  }

  #refuse(result: Exclude<Result<never>, { kind: "success" }>): StatusObject {
    this.#outcomes.addResult(result);
    const code = grpcStatusOf(result);
    const metadata = new Metadata();
    const details = this.#options.encodeDetails(code, result.reason, retryAfterSecondsOf(result));
    metadata.set(DETAILS_KEY, Buffer.from(details));
    return { code, details: result.reason, metadata };
  }
}

const NEEDS_TOKEN = failure("unauthenticated", "a valid bearer token is needed");

function noRoom(): Exclude<Result<never>, { kind: "success" }> {
  return retryable("overloaded", "too many bytes are being received; try again");
}
