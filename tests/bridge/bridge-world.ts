/** A bridge on a port of its own, with whatever else it needs made up, and sockets that connect to it. */
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { Socket } from "socket.io-client";
import { Bridge, type BridgeLimits, type BridgeOptions, DEFAULT_BRIDGE_LIMITS } from "../../src/bridge/bridge.ts";
import { authoriseAdmin, TokenKeys, type TokenRequest } from "../../src/bridge/token-keys.ts";
import { type Clock, systemClock } from "../../src/model/clock.ts";
import type { BridgeIdentity } from "../../src/model/ingest-log.ts";
import type { OtlpRequest } from "../../src/model/otlp-exchange.ts";
import { success } from "../../src/model/result.ts";
import { walkMetrics } from "../../src/otlp/walk-metrics.ts";
import { bridgeSocket, connected } from "../support/bridge-client.ts";

export const SECRET = "a secret of the tests, long enough";

/** What the bridge passed on. */
export interface Taken {
  readonly request: OtlpRequest;
  readonly identity: BridgeIdentity;
}

/** What differs from a bridge that accepts everything. */
export interface WorldChanges extends Partial<Omit<BridgeOptions, "limits">> {
  readonly limits?: Partial<BridgeLimits>;
}

/** The world; `close` it. */
export class BridgeWorld {
  readonly taken: Taken[] = [];
  readonly reports: string[] = [];
  readonly keys: TokenKeys;
  readonly bridge: Bridge;
  readonly #http: Server;
  readonly #sockets: Socket[] = [];

  private constructor(http: Server, changes: WorldChanges) {
    const clock: Clock = changes.clock ?? systemClock;
    this.#http = http;
    this.keys = new TokenKeys({ secret: SECRET, clock });
    this.bridge = new Bridge(http, {
      clock,
      verify: (token) => this.keys.verify(token),
      authorise: (token) => authoriseAdmin(this.keys, token),
      origins: [],
      config: { enabled: true, statsIntervalMillis: 1000, emitThrottleMillis: 10_000, worker: true },
      take: async (request, { identity, look }) => {
        const looked = look?.(request.body) ?? success(undefined);
        if (looked.kind !== "success") return looked;
        this.taken.push({ request, identity });
        return success({ rejectedPoints: 0, message: "" });
      },
      walk: walkMetrics,
      live: async () => success({ at: 1 }),
      broadcastThrottleMillis: 100,
      hashSeed: 1,
      report: (message) => void this.reports.push(message),
      ...changes,
      limits: { ...DEFAULT_BRIDGE_LIMITS, ...changes.limits },
    });
  }

  static async start(changes: WorldChanges = {}): Promise<BridgeWorld> {
    const http = createServer((_request, response) => response.writeHead(404).end());
    const world = new BridgeWorld(http, changes);
    await new Promise<void>((resolve) => void http.listen(0, "127.0.0.1", resolve));
    return world;
  }

  get port(): number {
    return (this.#http.address() as AddressInfo).port;
  }

  get origin(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** Connections that the kernel has. */
  connections(): Promise<number> {
    return new Promise((resolve, reject) =>
      this.#http.getConnections((error, count) => (error ? reject(error) : resolve(count))),
    );
  }

  /** A token of ours, for an hour unless it says otherwise. */
  token(request: Partial<TokenRequest> = {}): Promise<string> {
    return this.keys.issue({ meeting: "m", participant: "p", role: "participant", expiresInSeconds: 3600, ...request });
  }

  /** A socket that may not be connected yet. */
  socket(namespace: "/webrtc" | "/admin", token: unknown, options: object = {}): Socket {
    const socket = bridgeSocket(this.origin, namespace, token, options);
    this.#sockets.push(socket);
    return socket;
  }

  /** A page that is connected. */
  async page(request: Partial<TokenRequest> = {}, options: object = {}): Promise<Socket> {
    const socket = this.socket("/webrtc", await this.token(request), options);
    await connected(socket);
    return socket;
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.disconnect();
    await this.bridge.close(1000);
    this.#http.closeAllConnections();
    await new Promise<void>((resolve) => void this.#http.close(() => resolve()));
  }
}
