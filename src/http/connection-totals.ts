/**
 * Totals of the sockets of HTTP servers: the only place where upgrades, TLS overhead and error replies show.
 */
/* oxlint-disable no-underscore-dangle -- the underscored names are Node's */

import { Server as HttpServer } from "node:http";
import { Server as HttpsServer } from "node:https";
import type { FaultGuard } from "./fault-guard.ts";
import type { ServerSocket } from "./node-internals.ts";
import { bytesOf, type SocketBytes } from "./socket-bytes.ts";

/** Bytes since the last {@link ConnectionTotals.take}. */
export interface IoBytes {
  receivedBytes: number;
  transmittedBytes: number;
}

/** What of one socket was already taken. */
interface Account extends IoBytes {
  readonly bytes: SocketBytes;
}

/** Adds up the bytes of open and closed sockets. Keeps one small object an open socket. */
export class ConnectionTotals {
  readonly #accounts = new Map<ServerSocket, Account>();
  readonly #guard: FaultGuard;
  #closed: IoBytes = { receivedBytes: 0, transmittedBytes: 0 };

  /** Faults in the socket's own events go to `guard`. */
  constructor(guard: FaultGuard) {
    this.#guard = guard;
  }

  /** Follows an accepted socket if an HTTP server took it; other TCP servers of the host are not ours to count. */
  open(socket: ServerSocket): void {
    if (!isHttpServer(socket.server)) return;
    const account: Account = { bytes: bytesOf(socket), receivedBytes: 0, transmittedBytes: 0 };
    this.#accounts.set(socket, account);
    socket.once(
      "close",
      this.#guard.wrap(() => this.#close(socket)),
    );
  }

  /** Whether `socket`, or the TCP socket under it, is followed since it was accepted. */
  has(socket: ServerSocket): boolean {
    return this.#accounts.has(socket._parent ?? socket);
  }

  /** The bytes since the last call. Bytes the kernel has not taken yet are left for a later one. */
  take(): IoBytes {
    const total = this.#closed;
    this.#closed = { receivedBytes: 0, transmittedBytes: 0 };
    for (const account of this.#accounts.values()) settle(account, total);
    return total;
  }

  /** Stops following all sockets. */
  clear(): void {
    this.#accounts.clear();
  }

  #close(socket: ServerSocket): void {
    const account = this.#accounts.get(socket);
    if (account === undefined) return;
    this.#accounts.delete(socket);
    settle(account, this.#closed);
  }
}

function settle(account: Account, into: IoBytes): void {
  const received = Math.max(account.receivedBytes, account.bytes.received);
  const transmitted = Math.max(account.transmittedBytes, account.bytes.accepted);
  into.receivedBytes += received - account.receivedBytes;
  into.transmittedBytes += transmitted - account.transmittedBytes;
  account.receivedBytes = received;
  account.transmittedBytes = transmitted;
}

/** Known by name, because asking node:http2 would load it into every app. */
const HTTP2_SERVERS: ReadonlySet<string> = new Set(["Http2Server", "Http2SecureServer"]);

function isHttpServer(server: ServerSocket["server"]): boolean {
  if (server instanceof HttpServer || server instanceof HttpsServer) return true;
  for (let prototype = server as object | null; prototype != null; prototype = Object.getPrototypeOf(prototype)) {
    if (HTTP2_SERVERS.has(prototype.constructor.name)) return true;
  }
  return false;
}
