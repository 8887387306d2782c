/**
 * The demo's load: sends planned requests at a bounded rate over a bounded number of connections, and counts the body bytes
 * of each itself, as they are on the wire.
 */
import { once } from "node:events";
import { Agent, request as httpRequest, type ClientRequest, type IncomingMessage } from "node:http";
import { setTimeout as wait } from "node:timers/promises";
import { messageOf } from "../../model/result.ts";
import { addToEndpoint, endpointName, type Amounts, type EndpointTotals } from "./endpoint-totals.ts";
import type { PlannedRequest } from "./request-plan.ts";

/** What the load sends where. */
export interface LoadOptions {
  readonly host: string;
  readonly port: number;
  /** Requests are never sent faster than this. */
  readonly requestsPerSecond: number;
  /** Connections, and with them requests under way at a time. */
  readonly connections: number;
  readonly next: () => PlannedRequest;
  /** Once aborted no further request is sent; those under way are finished. */
  readonly stop: AbortSignal;
}

/** What the load did. */
export interface LoadOutcome {
  readonly totals: EndpointTotals;
  /** Requests that got no whole answer. */
  readonly failedRequests: number;
  /** Why the first of them failed; "" when none did. */
  readonly firstFailure: string;
}

/** An upload is written in pieces of this size. */
const PIECE_BYTES = 48 * 1024;
/** The longest that a request may stand still before it fails. */
const SILENCE_MILLIS = 30_000;

/** Sends requests until `stop` and finishes each that was begun. */
export async function runLoad(options: LoadOptions): Promise<LoadOutcome> {
  const { connections, stop, next, requestsPerSecond } = options;
  const agent = new Agent({ keepAlive: true, maxSockets: connections });
  const totals = new Map<string, Amounts>();
  const failures: string[] = [];
  let failedRequests = 0;
  let nextDueMillis = performance.now();

  const turn = async (): Promise<void> => {
    const dueMillis = Math.max(performance.now(), nextDueMillis);
    nextDueMillis = dueMillis + 1000 / requestsPerSecond;
    const delayMillis = Math.max(0, dueMillis - performance.now());
    await wait(delayMillis, undefined, { signal: stop }).catch(() => undefined);
    if (stop.aborted) return;
    const planned = next();
    try {
      const { statusCode, amounts } = await exchange(planned, options, agent);
      addToEndpoint(totals, endpointName(planned.method, planned.route, statusCode), amounts);
    } catch (error) {
      failedRequests += 1;
      if (failures.length === 0) failures.push(`${planned.method} ${planned.path}: ${messageOf(error)}`);
    }
  };
  const connection = async (): Promise<void> => {
    while (!stop.aborted) await turn();
  };
  await Promise.all(Array.from({ length: connections }, connection));
  agent.destroy();
  return { totals, failedRequests, firstFailure: failures[0] ?? "" };
}

/** One request and its answer. Rejects when either is not whole. */
async function exchange(
  planned: PlannedRequest,
  { host, port }: LoadOptions,
  agent: Agent,
): Promise<{ readonly statusCode: number; readonly amounts: Amounts }> {
  const { method, path, body, chunked, contentType } = planned;
  const headers = {
    ...(contentType === "" ? {} : { "content-type": contentType }),
    ...(body !== undefined && !chunked ? { "content-length": body.length } : {}),
    ...(body !== undefined && chunked ? { "transfer-encoding": "chunked" } : {}),
  };
  const request = httpRequest({ host, port, method, path, headers, agent, timeout: SILENCE_MILLIS });
  request.once("timeout", () => request.destroy(new Error(`nothing came for ${SILENCE_MILLIS / 1000} s`)));
  const answered = once(request, "response") as Promise<[IncomingMessage]>;
  const [sentBytes, [response]] = await Promise.all([send(request, body), answered]);
  let receivedBytes = 0;
  // Node's client does not inflate: these are the bytes of the body as they came.
  for await (const chunk of response) receivedBytes += (chunk as Buffer).length;
  const amounts = { requests: 1n, bytesIn: BigInt(sentBytes), bytesOut: BigInt(receivedBytes) };
  return { statusCode: response.statusCode ?? 0, amounts };
}

/** Writes a body and returns its bytes. */
async function send(request: ClientRequest, body: Buffer | undefined): Promise<number> {
  let sentBytes = 0;
  const length = body?.length ?? 0;
  for (let start = 0; start < length; start += PIECE_BYTES) {
    const piece = body!.subarray(start, start + PIECE_BYTES);
    const mayGoOn = request.write(piece);
    sentBytes += piece.length;
    if (!mayGoOn) await once(request, "drain");
  }
  request.end();
  return sentBytes;
}
