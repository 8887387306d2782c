/**
 * Shared by every stage: what an operation that can fail returns. Failure is data; only programmer errors throw.
 */

/** The codes an operation can fail with; `answer-table` maps them to answers at the edge. */
export type FailureCode =
  /** The input can never be accepted as it is: undecodable, wrong shape. */
  | "invalid"
  /** The input exceeds a named limit. */
  | "too_large"
  /** The caller is not who it must be. */
  | "unauthenticated"
  /** The caller sends in a form that is not supported (content type, content encoding, method, path). */
  | "unsupported"
  /** A limit on what is held at once is reached: the same input will be accepted later. */
  | "overloaded"
  /** The sender's own limit is reached: the same input will be accepted later. */
  | "limited"
  /** A technology behind us (Redis, SQL, disk) is out of reach or refuses for now. */
  | "unavailable"
  /** Another owner has moved on: the caller must step down and read state again. */
  | "conflict"
  /** A fault of our own. */
  | "internal";

/** It worked; `value` is what came of it. */
export interface Success<T> {
  readonly kind: "success";
  readonly value: T;
}

/** It did not work now; the same call may work later. */
export interface Retryable {
  readonly kind: "retryable";
  readonly code: FailureCode;
  readonly reason: string;
  /** When to try again; absent: soon. */
  readonly retryAfterSeconds?: number;
}

/** It did not work and never will with this input. */
export interface Failure {
  readonly kind: "failure";
  readonly code: FailureCode;
  readonly reason: string;
}

/** What an operation that can fail returns. */
export type Result<T> = Success<T> | Retryable | Failure;

/** Builds a {@link Success}. */
export function success<T>(value: T): Success<T> {
  return { kind: "success", value };
}

/** Builds a {@link Retryable}; `reason` is one sentence for a person. */
export function retryable(code: FailureCode, reason: string, retryAfterSeconds?: number): Retryable {
  return { kind: "retryable", code, reason, ...(retryAfterSeconds !== undefined && { retryAfterSeconds }) };
}

/** Builds a {@link Failure}; `reason` is one sentence for a person. */
export function failure(code: FailureCode, reason: string): Failure {
  return { kind: "failure", code, reason };
}

/** The message of anything that was thrown, in one line. */
export function messageOf(error: unknown): string {
  const text = error instanceof Error ? error.message || error.name : String(error);
  return text.replaceAll(/\s+/g, " ").trim();
}
