/**
 * The port between the OTLP servers and what takes their requests in.
 */
import type { BodyContentType, BodyEncoding, BridgeIdentity } from "./ingest-log.ts";
import type { Result } from "./result.ts";

/** A request as it came, its body read whole and still compressed. */
export interface OtlpRequest {
  readonly contentType: BodyContentType;
  readonly encoding: BodyEncoding;
  readonly body: Uint8Array;
  /** Milliseconds since the Unix epoch. */
  readonly receivedAtMillis: number;
  /** The tenant that its sender's token names; absent: it names none. */
  readonly tenant?: string | undefined;
}

/** The page that sent a request over the bridge. */
export interface PageSender {
  /** From its token. */
  readonly identity: BridgeIdentity;
  /** Looks at the inflated body, protobuf, before anything of it is taken; not a success: the request is refused so. */
  readonly look?: (body: Uint8Array) => Result<void>;
}

/** What an accepted request is answered: `partial_success` when points were rejected. */
export interface OtlpAcceptance {
  readonly rejectedPoints: number;
  /** Why, for a person; empty when nothing was rejected. */
  readonly message: string;
}

/** Takes a request in: success only when all that was accepted of it is durable. */
export type OtlpHandler = (request: OtlpRequest) => Promise<Result<OtlpAcceptance>>;
