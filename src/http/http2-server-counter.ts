/**
 * Listens to the streams of HTTP/2 servers. Node 22.15 does not publish them: there only the sockets are counted.
 */

import { subscribe, unsubscribe } from "node:diagnostics_channel";
import type { SettleExchange } from "./connection.ts";
import type { IncomingHttpHeaders, ServerHttp2Stream } from "node:http2";
import { EXCHANGE, type Counted } from "./exchange.ts";
import type { FaultGuard } from "./fault-guard.ts";
import { Http2Exchange } from "./http2-exchange.ts";

const STREAM_CREATED = "http2.server.stream.created";

interface StreamMessage {
  readonly stream: ServerHttp2Stream;
  readonly headers: IncomingHttpHeaders;
}

/** Counts the streams of every HTTP/2 server of the process between {@link start} and {@link stop}. */
export class Http2ServerCounter {
  readonly #settle: SettleExchange;
  /** Settles what began since the last start. */
  #settleSinceStart: ((exchange: Http2Exchange) => void) | undefined = undefined;
  readonly #guard: FaultGuard;
  readonly #listener: (message: unknown) => void;

  /** `settle` gets each exchange once, with its final counts. */
  constructor(settle: SettleExchange, guard: FaultGuard) {
    this.#settle = settle;
    this.#guard = guard;
    this.#listener = guard.wrap((message: unknown) => this.#create(message as StreamMessage));
  }

  /** Starts counting; streams already open are not counted. */
  start(): void {
    if (this.#settleSinceStart !== undefined) return;
    const settle = this.#guard.wrap((exchange: Http2Exchange) => {
      if (this.#settleSinceStart !== settle) return;
      exchange.end();
      this.#settle(exchange);
    });
    this.#settleSinceStart = settle;
    subscribe(STREAM_CREATED, this.#listener);
  }

  /** Stops counting; streams still open are dropped. */
  stop(): void {
    unsubscribe(STREAM_CREATED, this.#listener);
    this.#settleSinceStart = undefined;
  }

  #create({ stream, headers }: StreamMessage): void {
    if (this.#settleSinceStart === undefined) return;
    showExchangeOnRequests();
    (stream as Counted)[EXCHANGE] = new Http2Exchange(stream, headers, this.#settleSinceStart);
  }
}

let shown = false;

/** Lets `setHttpRoute` find the exchange of a request of the compatibility API: it is that of its stream. */
function showExchangeOnRequests(): void {
  if (shown) return;
  shown = true;
  const { Http2ServerRequest } = process.getBuiltinModule("node:http2");
  Object.defineProperty(Http2ServerRequest.prototype, EXCHANGE, {
    configurable: true,
    get(this: { readonly stream?: Counted }) {
      return this.stream?.[EXCHANGE];
    },
  });
}
