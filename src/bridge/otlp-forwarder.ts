/**
 * Bridge: sends what pages sent on to a Collector by OTLP/HTTP, where `BRIDGE_FORWARD_URL` asks for it instead of the log.
 * A page is answered when the Collector has answered.
 */
import { promisify } from "node:util";
import { gzip } from "node:zlib";
import { isRetryableStatus } from "../model/answer-table.ts";
import type { Clock } from "../model/clock.ts";
import type { BridgeIdentity } from "../model/ingest-log.ts";
import type { OpenBody } from "../model/metrics-walk.ts";
import type { OtlpAcceptance, OtlpRequest, PageSender } from "../model/otlp-exchange.ts";
import { failure, messageOf, type Result, retryable, success } from "../model/result.ts";

/** What the forwarder works with. */
export interface OtlpForwarderOptions {
  /** Where `/v1/metrics` of the Collector is, or the address before that path. */
  readonly url: string;
  readonly token?: string | undefined;
  readonly clock: Clock;
  readonly openBody: OpenBody;
  /** Puts the identity into a request, as resource attributes, and the receive time onto its points. */
  readonly stamp: (body: Uint8Array, identity: BridgeIdentity, receivedAtMillis: number) => Result<Uint8Array>;
  /** Whether anything may be taken in now. */
  readonly gate: () => Result<void>;
  readonly timeoutMillis: number;
  /** Requests that wait for the Collector at once. */
  readonly maxInFlight: number;
  /** Told when the Collector begins to refuse. */
  readonly report: (message: string) => void;
}

const compress = promisify(gzip);
const ACCEPTED: OtlpAcceptance = { rejectedPoints: 0, message: "" };
/** More of an answer is not read. */
const MAX_ANSWER_BYTES = 64 * 1024;

/** Forwards. */
export class OtlpForwarder {
  readonly #options: OtlpForwarderOptions;
  readonly #url: string;
  #inFlight = 0;
  #lastStatus = 200;

  constructor(options: OtlpForwarderOptions) {
    this.#options = options;
    const url = new URL(options.url);
    if (url.pathname === "/") url.pathname = "/v1/metrics";
    this.#url = url.href;
  }

  /**
   * Sends a request on. Failure when it cannot be read or the Collector refuses it for good; retryable when the Collector says so
   * (429, 502, 503, 504), does not answer, or too many wait for it.
   */
  async accept(request: OtlpRequest, { identity, look }: PageSender): Promise<Result<OtlpAcceptance>> {
    const { gate, openBody, stamp, maxInFlight } = this.#options;
    const open = gate();
    if (open.kind !== "success") return open;
    if (this.#inFlight >= maxInFlight) return retryable("overloaded", "too many events wait for the Collector");
    this.#inFlight += 1;
    try {
      const body = await openBody(request.body, request.contentType, request.encoding);
      if (body.kind !== "success") return body;
      const looked = look?.(body.value) ?? success(undefined);
      if (looked.kind !== "success") return looked;
      const stamped = stamp(body.value, identity, request.receivedAtMillis);
      return stamped.kind === "success" ? await this.#send(await compress(stamped.value)) : stamped;
    } finally {
      this.#inFlight -= 1;
    }
  }

  async #send(body: Uint8Array<ArrayBuffer>): Promise<Result<OtlpAcceptance>> {
    const { clock, timeoutMillis, token } = this.#options;
    const abort = new AbortController();
    const timer = clock.after(timeoutMillis, () => abort.abort(new Error("it does not answer in time")));
    try {
      const response = await fetch(this.#url, {
        method: "POST",
        headers: {
          "content-type": "application/x-protobuf",
          "content-encoding": "gzip",
          ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        },
        body,
        redirect: "manual",
        signal: abort.signal,
      });
      await discard(response);
      return this.#resultOf(response.status);
    } catch (error) {
      return retryable("unavailable", `the Collector cannot be reached: ${causeOf(error)}`);
    } finally {
      timer.clear();
    }
  }

  #resultOf(status: number): Result<OtlpAcceptance> {
    const reason = `the Collector answered ${status}`;
    if (status !== this.#lastStatus && status >= 300) this.#options.report(reason);
    this.#lastStatus = status;
    if (status >= 200 && status < 300) return success(ACCEPTED);
    return isRetryableStatus(status) ? retryable("unavailable", reason) : failure("invalid", reason);
  }
}

/** Reads an answer to its end, so that its connection is used again, unless it is too long to be one. */
async function discard(response: Response): Promise<void> {
  let bytes = 0;
  for await (const chunk of response.body ?? []) {
    bytes += chunk.length;
    // Leaving the loop cancels the rest.
    if (bytes > MAX_ANSWER_BYTES) return;
  }
}

/** What fetch wraps into "fetch failed". */
function causeOf(error: unknown): string {
  return messageOf(error instanceof Error && error.cause !== undefined ? error.cause : error);
}
