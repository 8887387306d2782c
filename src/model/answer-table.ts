/**
 * The one table from failure codes to answers, over HTTP, gRPC and sockets. OTLP clients retry 429, 502, 503 and 504 and drop their data on
 * everything else, so whatever is not the sender's fault is 503, never 500.
 * https://opentelemetry.io/docs/specs/otlp/#failures-1
 */
import type { Failure, FailureCode, Retryable } from "./result.ts";

/** The HTTP status of each failure code. */
export const HTTP_STATUS: Readonly<Record<FailureCode, number>> = {
  invalid: 400,
  unauthenticated: 401,
  too_large: 413,
  unsupported: 415,
  overloaded: 503,
  limited: 429,
  unavailable: 503,
  conflict: 503,
  internal: 503,
};

/** Seconds a client is asked to wait. Short: exporters give up when a wait exceeds what is left of their time-out. */
export const RETRY_AFTER_SECONDS = 1;

/** The HTTP status for a result that is not a success: anything retryable is 503, but for a sender's own limit, 429. */
export function httpStatusOf(result: Failure | Retryable): number {
  return result.kind === "retryable" && result.code !== "limited" ? 503 : HTTP_STATUS[result.code];
}

/** Whether the sender may try again, told by the status that the answer has or would have over HTTP. */
export function isRetryableStatus(status: number): boolean {
  return status === 429 || status === 502 || status === 503 || status === 504;
}

/**
 * The gRPC status of each failure code that is final; what is retryable is UNAVAILABLE (14), but for a sender's own limit, which is
 * RESOURCE_EXHAUSTED (8): clients try it again only where a `RetryInfo` says when. https://opentelemetry.io/docs/specs/otlp/#failures
 */
export const GRPC_STATUS: Readonly<Record<FailureCode, number>> = {
  invalid: 3,
  unauthenticated: 16,
  too_large: 8,
  unsupported: 12,
  overloaded: 14,
  limited: 8,
  unavailable: 14,
  conflict: 14,
  internal: 14,
};

/** The gRPC status for a result that is not a success. */
export function grpcStatusOf(result: Failure | Retryable): number {
  return result.kind === "retryable" && result.code !== "limited" ? GRPC_STATUS.unavailable : GRPC_STATUS[result.code];
}

/** Seconds after which a result's sender may try again; `undefined` when never. */
export function retryAfterSecondsOf(result: Failure | Retryable): number | undefined {
  if (result.kind === "retryable") return result.retryAfterSeconds ?? RETRY_AFTER_SECONDS;
  return grpcStatusOf(result) === GRPC_STATUS.unavailable ? RETRY_AFTER_SECONDS : undefined;
}
