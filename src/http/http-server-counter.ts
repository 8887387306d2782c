/**
 * Listens to Node's HTTP channels and ties connections, exchanges and metrics together.
 */
/* oxlint-disable no-underscore-dangle -- the underscored names are Node's */

import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { Connection, type SettleExchange } from "./connection.ts";
import type { ConnectionTotals } from "./connection-totals.ts";
import { EXCHANGE, type Counted } from "./exchange.ts";
import type { FaultGuard } from "./fault-guard.ts";
import { followFrameworkRoutes } from "./framework-routes.ts";
import type { ServerExchangeMessage, ServerSocket } from "./node-internals.ts";
import { countParserBodies, countPushedBody } from "./request-bytes.ts";
import { countResponseBodies } from "./response-bytes.ts";
import { captureRouteMetadata, routeOf } from "./route-metadata.ts";

const REQUEST_START = "http.server.request.start";
const RESPONSE_FINISH = "http.server.response.finish";
const SERVER_SOCKET = "net.server.socket";

/** Where a socket carries its {@link Connection}. */
const CONNECTION: unique symbol = Symbol("otel-bandwidth.http.connection");

type CountedSocket = ServerSocket & { [CONNECTION]?: Connection };
type Listener = (message: unknown) => void;

/** Counts the exchanges of every HTTP/1 server of the process between {@link start} and {@link stop}. */
export class HttpServerCounter {
  readonly #settle: SettleExchange;
  /** Settles what began since the last start; connections from before it are not carried on. */
  #settleSinceStart: SettleExchange | undefined = undefined;
  readonly #totals: ConnectionTotals;
  readonly #guard: FaultGuard;
  readonly #listeners: readonly (readonly [channel: string, listener: Listener])[];
  #stopResponses: (() => void) | undefined = undefined;
  #stopRoutes: (() => void) | undefined = undefined;

  /** `settle` gets each exchange once, with its final counts. */
  constructor(settle: SettleExchange, totals: ConnectionTotals, guard: FaultGuard) {
    this.#settle = settle;
    this.#totals = totals;
    this.#guard = guard;
    this.#listeners = [
      [REQUEST_START, guard.wrap((message: unknown) => this.#begin(message as ServerExchangeMessage))],
      [RESPONSE_FINISH, guard.wrap((message: unknown) => this.#finish(message as ServerExchangeMessage))],
      [SERVER_SOCKET, guard.wrap((message: unknown) => totals.open((message as { socket: ServerSocket }).socket))],
    ];
  }

  /** Starts counting; exchanges already under way are not counted. */
  start(): void {
    if (this.#stopResponses !== undefined) return;
    this.#stopResponses = countResponseBodies(this.#guard);
    this.#stopRoutes = followFrameworkRoutes(this.#guard);
    const settle: SettleExchange = (exchange) => {
      if (this.#settleSinceStart === settle) this.#settle(exchange);
    };
    this.#settleSinceStart = settle;
    for (const [channel, listener] of this.#listeners) subscribe(channel, listener);
  }

  /** Stops counting; exchanges still under way are dropped. */
  stop(): void {
    for (const [channel, listener] of this.#listeners) unsubscribe(channel, listener);
    this.#stopResponses?.();
    this.#stopResponses = undefined;
    this.#stopRoutes?.();
    this.#settleSinceStart = undefined;
    this.#totals.clear();
  }

  #begin({ request, response, socket, server }: ServerExchangeMessage): void {
    const settle = this.#settleSinceStart;
    if (settle === undefined) return;
    let connection = (socket as CountedSocket)[CONNECTION];
    if (connection === undefined || connection.settle !== settle) {
      connection = this.#open(socket, settle);
      captureRouteMetadata(server, this.#guard);
    }
    const exchange = connection.begin(request, response);
    (request as Counted)[EXCHANGE] = exchange;
    (response as Counted)[EXCHANGE] = exchange;
    if (!connection.parserCounts) countPushedBody(request);
  }

  #finish({ request, response, socket }: ServerExchangeMessage): void {
    const exchange = (response as Counted)[EXCHANGE];
    // Node 22 also announces a response as finished that was cut short; the socket's end settles it.
    if (exchange === undefined || exchange.request !== request || socket.destroyed) return;
    if (exchange.connection.settle !== this.#settleSinceStart) return;
    // It settles after instrumentation-http has read the route, which must be in the metadata by then.
    if (!request.complete) routeOf(exchange);
    exchange.connection.finish(exchange);
  }

  #open(socket: ServerSocket, settle: SettleExchange): Connection {
    const accepted = socket._parent ?? socket;
    const older = accepted.server !== undefined && !this.#totals.has(socket);
    const connection = new Connection(socket, settle, this.#guard, older);
    connection.parserCounts = countParserBodies(socket);
    (socket as CountedSocket)[CONNECTION] = connection;
    socket.on(
      "close",
      this.#guard.wrap(() => connection.close()),
    );
    return connection;
  }
}
