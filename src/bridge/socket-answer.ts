/** Bridge: how a result is told over a socket. What may be tried again is told by the one answer table. */
import { httpStatusOf, isRetryableStatus } from "../model/answer-table.ts";
import type { OtlpAcceptance } from "../model/otlp-exchange.ts";
import { type Failure, type Result, type Retryable, retryable } from "../model/result.ts";

/** The acknowledgement of an event. */
export type SocketAnswer =
  /** What was accepted is in the log; `rejectedPoints` and `message` as in OTLP's `partial_success`. */
  { readonly ok: true; readonly rejectedPoints?: number; readonly message?: string } | SocketRefusal;

/** Nothing was taken; `retryable`: the same may be taken later. */
export interface SocketRefusal {
  readonly error: string;
  readonly retryable: boolean;
}

/** The answer to an event. */
export function answerOf(result: Result<OtlpAcceptance>): SocketAnswer {
  if (result.kind !== "success") return refusalOf(result);
  const { rejectedPoints, message } = result.value;
  return rejectedPoints === 0 && message === "" ? { ok: true } : { ok: true, rejectedPoints, message };
}

/** The answer to what was not taken. */
export function refusalOf(result: Failure | Retryable): SocketRefusal {
  return { error: result.reason, retryable: isRetryableStatus(httpStatusOf(result)) };
}

/** The error of a connection that is refused: its message, and `data` with what a {@link SocketRefusal} says. */
export function connectErrorOf(result: Failure | Retryable): Error {
  return Object.assign(new Error(result.reason), { data: { code: result.code, ...refusalOf(result) } });
}

/** The error of a connection when checking it threw, which is a fault of ours. */
export function internalFault(): Error {
  return connectErrorOf(retryable("internal", "internal fault"));
}
