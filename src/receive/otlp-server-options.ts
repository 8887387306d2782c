/** What the OTLP servers, over HTTP and gRPC, have in common: what they work with, and the bounds that they keep. */
import type { Clock } from "../model/clock.ts";
import type { OtlpHandler } from "../model/otlp-exchange.ts";
import type { TenantTokens } from "./sender-tokens.ts";

/** A certificate chain and its private key, PEM. */
export interface TlsFiles {
  readonly cert: string | Buffer;
  readonly key: string | Buffer;
}

/** What a server works with. */
export interface OtlpServerOptions {
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
  /** Absent: nothing is encrypted. */
  readonly tls?: TlsFiles | undefined;
  /** The bearer token, in the header or metadata `authorization`; absent: anyone may send. */
  readonly token?: string | undefined;
  /** Tokens whose senders are one tenant each; with any, who shows no token is refused. */
  readonly tenantTokens?: (() => TenantTokens) | undefined;
  readonly clock: Clock;
  readonly handler: OtlpHandler;
  /** Told of what should not happen: the handler threw, or a connection could not be taken. */
  readonly faulted: (reason: string) => void;
}

/** Bounds on what senders can take of us. */
export interface OtlpServerLimits {
  /** Bytes of one body, as it comes; gRPC holds it against the inflated size too. */
  readonly maxBodyBytes: number;
  /** Bytes of all bodies that are held at once; above it the answer is 503 or UNAVAILABLE. */
  readonly maxInFlightBytes: number;
  readonly maxConnections: number;
}

/** Limits for any exporter. OTLP recommends 64 MiB a body. */
export const DEFAULT_OTLP_SERVER_LIMITS: OtlpServerLimits = {
  maxBodyBytes: 64 * 1024 * 1024,
  maxInFlightBytes: 256 * 1024 * 1024,
  maxConnections: 4096,
};
