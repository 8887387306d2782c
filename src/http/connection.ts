/**
 * One connection: which exchanges are under way on it, and which of its bytes belong to which of them.
 */

import type { IncomingMessage, ServerResponse } from "node:http";
import { HttpExchange, type Exchange } from "./exchange.ts";
import type { FaultGuard } from "./fault-guard.ts";
import type { ServerSocket } from "./node-internals.ts";
import { bytesOf, type SocketBytes } from "./socket-bytes.ts";

/** Takes an exchange whose counts are final. */
export type SettleExchange = (exchange: Exchange) => void;

/** Follows the exchanges of one socket. Bounded by what the host itself keeps under way on it. */
export class Connection {
  readonly settle: SettleExchange;
  /** Whether the parser counts request bodies; if not, each request stream does. */
  parserCounts: boolean = false;
  readonly #guard: FaultGuard;
  readonly #bytes: SocketBytes;
  readonly #live: HttpExchange[] = [];
  readonly #encrypted: boolean;
  /** Bytes that settled exchanges have been charged with. */
  #receivedCharged = 0;
  #transmittedCharged: number;
  #older: boolean;

  /**
   * Follows `socket`; `settle` gets each exchange once. On a connection that is `older` than the counting, bytes before the
   * first request seen are nobody's.
   */
  constructor(socket: ServerSocket, settle: SettleExchange, guard: FaultGuard, older: boolean) {
    this.settle = settle;
    this.#guard = guard;
    this.#bytes = bytesOf(socket);
    this.#encrypted = socket.encrypted === true;
    this.#older = older;
    this.#transmittedCharged = older ? this.#bytes.dispatched : 0;
  }

  /** `url.scheme`, as instrumentation-http has it: what the server speaks, whatever a proxy says. */
  get scheme(): "http" | "https" {
    return this.#encrypted ? "https" : "http";
  }

  /** Opens an exchange: the head of `request` was just parsed. */
  begin(request: IncomingMessage, response: ServerResponse): HttpExchange {
    const exchange = new HttpExchange(this, request, response);
    this.#live.push(exchange);
    if (this.#live.length > 1) this.#settleFinished();
    return exchange;
  }

  /** Bytes of the response of `exchange` that have left by now, 0 as long as it waits for its turn. */
  leftBytes(exchange: HttpExchange): number {
    const isFirst = this.#live.find(({ finished }) => !finished) === exchange;
    return isFirst ? this.#bytes.accepted - this.#transmittedCharged : 0;
  }

  /** The response was handed to the kernel. The exchange settles when its request has come in as well. */
  finish(exchange: HttpExchange): void {
    exchange.finished = true;
    exchange.headSent = true;
    if (this.#bytes.counts) {
      const dispatched = this.#bytes.dispatched;
      exchange.transmittedBytes = dispatched - this.#transmittedCharged;
      this.#transmittedCharged = dispatched;
      exchange.proveBody(exchange.transmittedBytes);
    } else {
      exchange.proveBody(undefined);
      exchange.transmittedBytes = exchange.writtenBytes();
    }
    if (exchange.request.complete) this.#settleNow(exchange);
    else
      exchange.request.once(
        "close",
        this.#guard.wrap(() => this.#settleNow(exchange)),
      );
  }

  /** The socket is gone: what had not finished was aborted. */
  close(): void {
    let first = true;
    for (const exchange of this.#live.slice()) {
      if (!exchange.finished) {
        this.#abort(exchange, first);
        first = false;
      }
      this.#settleNow(exchange);
    }
  }

  /** A finished response whose request never ended: the next head proves that all of its body is in. */
  #settleFinished(): void {
    for (const exchange of this.#live.filter(({ finished }) => finished)) this.#settleNow(exchange);
  }

  /** Only the first unfinished response had the socket; those queued behind it sent nothing. */
  #abort(exchange: HttpExchange, hadSocket: boolean): void {
    exchange.aborted = true;
    exchange.proveBody(undefined);
    const written = hadSocket ? exchange.writtenBytes() : 0;
    const accepted = Math.max(0, this.#bytes.accepted - this.#transmittedCharged);
    const transmitted = this.#bytes.counts && hadSocket ? accepted : written;
    this.#transmittedCharged += transmitted;
    exchange.transmittedBytes = transmitted;
    exchange.headSent = exchange.response.headersSent && transmitted > 0;
    exchange.clip(transmitted);
  }

  #settleNow(exchange: HttpExchange): void {
    if (exchange.settled) return;
    exchange.settled = true;
    this.#forget(exchange);
    exchange.receivedBytes = this.#charge(exchange);
    this.settle(exchange);
  }

  /** Without pipelining it is the only one: nothing is searched or moved. */
  #forget(exchange: HttpExchange): void {
    if (this.#live[this.#live.length - 1] === exchange) this.#live.pop();
    else this.#live.splice(this.#live.indexOf(exchange), 1);
  }

  /**
   * The last exchange under way gets all bytes not yet charged, which is exact. With others behind it (pipelining) the socket
   * cannot tell them apart: the head and body as parsed are charged, the next one gets the rest, and the sum stays exact.
   */
  #charge(exchange: HttpExchange): number {
    if (!this.#bytes.counts) return exchange.parsedBytes();
    if (this.#older) this.#skipEarlierBytes(exchange);
    const open = this.#bytes.received - this.#receivedCharged;
    const charged = this.#live.length === 0 ? open : Math.min(open, exchange.parsedBytes());
    this.#receivedCharged += charged;
    return charged;
  }

  /** What was read before the first exchange seen cannot be told from it by the socket; only its parsed bytes are charged. */
  #skipEarlierBytes(first: HttpExchange): void {
    this.#older = false;
    const ours = this.#live.reduce((sum, exchange) => sum + exchange.parsedBytes(), first.parsedBytes());
    this.#receivedCharged = Math.max(0, this.#bytes.received - ours);
  }
}
