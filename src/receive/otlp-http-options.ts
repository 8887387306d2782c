/** What an OTLP/HTTP server works with, and the bounds it keeps. */
import type { Clock } from "../model/clock.ts";
import type { BodyContentType } from "../model/ingest-log.ts";
import type { OtlpAcceptance, OtlpHandler } from "../model/otlp-exchange.ts";
import type { FailureCode } from "../model/result.ts";
import type { TenantTokens } from "./sender-tokens.ts";

/** A certificate chain and its private key, PEM. */
export interface TlsFiles {
  readonly cert: string | Buffer;
  readonly key: string | Buffer;
}

/** What a server works with and within. */
export interface OtlpHttpServerOptions {
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
  /** Absent: plain HTTP. */
  readonly tls?: TlsFiles | undefined;
  /** The bearer token; absent: anyone may send. */
  readonly token?: string | undefined;
  /** Tokens whose senders are one tenant each; with any, a request without a token is refused. */
  readonly tenantTokens?: (() => TenantTokens) | undefined;
  readonly limits: OtlpHttpLimits;
  readonly clock: Clock;
  readonly handler: OtlpHandler;
  /** Writes the body of a 200. */
  readonly encodeSuccess: (contentType: BodyContentType, acceptance: OtlpAcceptance) => Uint8Array;
  /** Writes the body of every other answer. */
  readonly encodeStatus: (contentType: BodyContentType, code: FailureCode, reason: string) => Uint8Array;
  /** Told when the handler threw, which is a fault of ours. */
  readonly handlerThrew: (reason: string) => void;
}

/** Bounds on what senders can take of us. */
export interface OtlpHttpLimits {
  /** Bytes of one body as it comes. */
  readonly maxBodyBytes: number;
  /** Bytes of all bodies that are held at once; above it the answer is 503. */
  readonly maxInFlightBytes: number;
  readonly maxConnections: number;
  /** From the first byte of a request to the end of its headers. */
  readonly headersTimeoutMillis: number;
  /** From the first byte of a request to the end of its body. */
  readonly requestTimeoutMillis: number;
  /** How long an idle connection is kept: longer than the export interval of most SDKs. */
  readonly keepAliveTimeoutMillis: number;
  /** How often time-outs are looked for. */
  readonly timeoutCheckMillis: number;
  /** How long the rest of a refused body is read and thrown away, so that its sender sees the answer. */
  readonly lingerMillis: number;
}

/** Limits for any exporter. OTLP recommends 64 MiB a body. */
export const DEFAULT_OTLP_HTTP_LIMITS: OtlpHttpLimits = {
  maxBodyBytes: 64 * 1024 * 1024,
  maxInFlightBytes: 256 * 1024 * 1024,
  maxConnections: 4096,
  headersTimeoutMillis: 10_000,
  requestTimeoutMillis: 30_000,
  keepAliveTimeoutMillis: 75_000,
  timeoutCheckMillis: 1000,
  lingerMillis: 1000,
};
