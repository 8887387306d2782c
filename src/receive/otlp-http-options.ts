/** What an OTLP/HTTP server works with and the bounds it keeps, beyond what it shares with OTLP/gRPC's. */
import type { BodyContentType } from "../model/ingest-log.ts";
import type { OtlpAcceptance } from "../model/otlp-exchange.ts";
import type { FailureCode } from "../model/result.ts";
import { DEFAULT_OTLP_SERVER_LIMITS, type OtlpServerLimits, type OtlpServerOptions } from "./otlp-server-options.ts";

/** What a server works with and within. */
export interface OtlpHttpServerOptions extends OtlpServerOptions {
  readonly limits: OtlpHttpLimits;
  /** Writes the body of a 200. */
  readonly encodeSuccess: (contentType: BodyContentType, acceptance: OtlpAcceptance) => Uint8Array;
  /** Writes the body of every other answer. */
  readonly encodeStatus: (contentType: BodyContentType, code: FailureCode, reason: string) => Uint8Array;
}

/** Bounds on what senders can take of us. */
export interface OtlpHttpLimits extends OtlpServerLimits {
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

/** Limits for any exporter. */
export const DEFAULT_OTLP_HTTP_LIMITS: OtlpHttpLimits = {
  ...DEFAULT_OTLP_SERVER_LIMITS,
  headersTimeoutMillis: 10_000,
  requestTimeoutMillis: 30_000,
  keepAliveTimeoutMillis: 75_000,
  timeoutCheckMillis: 1000,
  lingerMillis: 1000,
};
