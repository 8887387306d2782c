/**
 * Bridge: the Socket.IO server for browsers, on the HTTP server of the live view. Namespaces: `/webrtc` for pages, `/admin`
 * for whoever watches.
 * Order of the checks: origin, sockets of the address, token, rate, size, inflated size, series; then the door's own.
 */
import type { IncomingMessage, Server as HttpServer } from "node:http";
import type { Server as HttpsServer } from "node:https";
import { Server } from "socket.io";
import type { Clock } from "../model/clock.ts";
import type { WalkMetrics } from "../model/metrics-walk.ts";
import type { RequestOutcome } from "../model/outcome-counts.ts";
import { failure, type Result } from "../model/result.ts";
import { serveAdmins } from "./admin-sockets.ts";
import { LiveBroadcast, type LiveFigures } from "./live-broadcast.ts";
import { limitMessages } from "./message-limit.ts";
import { isOriginAllowed } from "./origin-check.ts";
import type { PageConfig } from "./page-config.ts";
import { PageSockets, type TakePageMetrics } from "./page-sockets.ts";
import { Participants } from "./participants.ts";
import { PendingSockets } from "./pending-sockets.ts";
import { connectErrorOf } from "./socket-answer.ts";
import { type EngineSocket, LimitedWebSocketServer, terminate } from "./socket-engine.ts";
import type { TokenClaims } from "./token-claims.ts";

/** What the bridge works with and within. */
export interface BridgeOptions {
  readonly clock: Clock;
  /** The claims of a valid token. */
  readonly verify: (token: unknown) => Promise<Result<TokenClaims>>;
  /** The claims of an admin's valid token. */
  readonly authorise: (token: unknown) => Promise<Result<TokenClaims>>;
  /** Origins that may connect, or `*`; empty: the same origin. */
  readonly origins: readonly string[];
  /** What pages are told until {@link Bridge.configure}. */
  readonly config: PageConfig;
  /** Takes in what a page sent. */
  readonly take: TakePageMetrics;
  readonly walk: WalkMetrics;
  /** The figures that admins are sent. */
  readonly live: () => Promise<Result<LiveFigures>>;
  /** `WEBRTC_BROADCAST_THROTTLE`. */
  readonly broadcastThrottleMillis: number;
  readonly limits: BridgeLimits;
  /** See {@link hashOf}: made at random when the process starts. */
  readonly hashSeed: number;
  /** Told of what went wrong, one sentence. */
  readonly report: (message: string) => void;
}

/** Bounds on what browsers can take of us. */
export interface BridgeLimits {
  /** Bytes of an event as it comes. */
  readonly maxEventBytes: number;
  readonly maxEventsPerMinute: number;
  readonly maxSeries: number;
  readonly maxConnectionsPerParticipant: number;
  readonly maxPending: number;
  readonly maxPendingPerAddress: number;
  /** From the websocket to a valid token. */
  readonly connectTimeoutMillis: number;
  /** Bytes that may wait for an admin who reads slowly. */
  readonly maxBufferedBytes: number;
}

/** Limits for pages that run this project's code: a page sends a few kilobytes a minute. */
export const DEFAULT_BRIDGE_LIMITS: BridgeLimits = {
  maxEventBytes: 128 * 1024,
  maxEventsPerMinute: 120,
  maxSeries: 1000,
  maxConnectionsPerParticipant: 16,
  maxPending: 1000,
  maxPendingPerAddress: 100,
  connectTimeoutMillis: 5000,
  maxBufferedBytes: 1024 * 1024,
};

/** Participants whose limits are remembered when they have left. */
const MAX_ABSENT_PARTICIPANTS = 10_000;
/** An event is two messages; what comes above five times the events allowed is no mistake. */
const MESSAGES_PER_EVENT = 10;
const NO_NAMESPACE = failure("unsupported", "expected the namespace /webrtc for pages or /admin for admins");
/** How long clients may take to say good-bye. */
const FAREWELL_MILLIS = 500;
/** Refused origins that are reported, each once. */
const MAX_REPORTED_ORIGINS = 10;

/** The bridge. */
export class Bridge {
  readonly #options: BridgeOptions;
  readonly #server: Server;
  readonly #pending: PendingSockets;
  readonly #pages: PageSockets;
  readonly #broadcast: LiveBroadcast;
  readonly #reportedOrigins = new Set<string>();
  readonly #connections = new Set<EngineSocket>();
  #closed: Promise<void> | undefined;

  constructor(http: HttpServer | HttpsServer, options: BridgeOptions) {
    const { clock, verify, take, config, report, limits } = options;
    this.#options = options;
    this.#pending = new PendingSockets(limits, clock);
    this.#server = new Server({
      transports: ["websocket"],
      wsEngine: LimitedWebSocketServer,
      perMessageDeflate: false,
      serveClient: false,
      // What is larger ends the connection; up to this an event that is too large is told so.
      maxHttpBufferSize: 2 * limits.maxEventBytes,
      allowRequest: (request, decide) => this.#allowRequest(request, decide),
    });
    this.#server.attach(http);
    this.#server.engine.on("connection", (connection: EngineSocket) => {
      this.#connections.add(connection);
      connection.once("close", () => this.#connections.delete(connection));
      this.#pending.watch(connection);
      limitMessages(connection, clock, MESSAGES_PER_EVENT * limits.maxEventsPerMinute);
    });
    // The library's own namespace, which cannot be taken away.
    this.#server.of("/").use((_socket, next) => next(connectErrorOf(NO_NAMESPACE)));
    this.#pages = new PageSockets(this.#server.of("/webrtc"), {
      clock,
      verify,
      take,
      participants: new Participants(
        { ...limits, maxConnections: limits.maxConnectionsPerParticipant, maxAbsent: MAX_ABSENT_PARTICIPANTS },
        options.walk,
        options.hashSeed,
      ),
      config,
      maxEventBytes: limits.maxEventBytes,
      admitted: (connection) => this.#pending.admit(connection),
      report,
    });
    this.#broadcast = new LiveBroadcast({
      clock,
      live: options.live,
      throttleMillis: options.broadcastThrottleMillis,
      maxBufferedBytes: limits.maxBufferedBytes,
    });
    serveAdmins(this.#server.of("/admin"), {
      clock,
      authorise: options.authorise,
      broadcast: this.#broadcast,
      admitted: (connection) => this.#pending.admit(connection),
    });
  }

  /** Events of pages since start by what became of them. */
  get outcomes(): ReadonlyMap<RequestOutcome, number> {
    return this.#pages.outcomes;
  }

  /** Sockets of pages and admins that are open now. */
  get sockets(): number {
    return this.#connections.size;
  }

  /** Alerts began or ended: admins are told at once, whatever the throttle says. */
  alertsChanged(): void {
    void this.#broadcast.changed();
  }

  /** Tells open pages, and those to come, another config: that is how a rollback reaches them. */
  configure(config: PageConfig): void {
    this.#pages.configure(config);
  }

  /**
   * Takes no more connections and events, waits for those under way, at most `deadlineMillis`, and ends all connections so that
   * pages come back by themselves. May be called more than once.
   */
  close(deadlineMillis: number): Promise<void> {
    this.#closed ??= this.#close(deadlineMillis);
    return this.#closed;
  }

  async #close(deadlineMillis: number): Promise<void> {
    await this.#atMost(deadlineMillis, this.#pages.drain());
    // The HTTP server is not ours to close, and a `disconnect` packet would tell clients to stay away.
    const gone = [...this.#connections].map(
      (connection) => new Promise<void>((resolve) => void connection.once("close", () => resolve())),
    );
    for (const connection of this.#connections) connection.close();
    await this.#atMost(FAREWELL_MILLIS, Promise.all(gone));
    for (const connection of this.#connections) terminate(connection);
  }

  async #atMost(millis: number, awaited: Promise<unknown>): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = this.#options.clock.after(millis, resolve);
      void awaited.finally(() => {
        timer.clear();
        resolve();
      });
    });
  }

  #allowRequest(request: IncomingMessage, decide: (reason: string | undefined, isAllowed: boolean) => void): void {
    if (this.#closed !== undefined) return decide("the receiver is shutting down", false);
    if (!isOriginAllowed(request.headers, this.#options.origins)) {
      this.#reportOrigin(request.headers.origin!);
      return decide("this origin may not connect: see BRIDGE_ORIGINS", false);
    }
    if (!this.#pending.hasRoomFor(request.socket.remoteAddress)) {
      return decide("too many connections of this address have shown no token", false);
    }
    decide(undefined, true);
  }

  #reportOrigin(origin: string): void {
    if (this.#reportedOrigins.size >= MAX_REPORTED_ORIGINS || this.#reportedOrigins.has(origin)) return;
    this.#reportedOrigins.add(origin);
    this.#options.report(
      `pages of ${JSON.stringify(origin.slice(0, 200))} may not connect: BRIDGE_ORIGINS does not name them`,
    );
  }
}
