/**
 * Bridge: the namespace `/admin`. Whoever has an admin's token gets the event `live`; the token is looked at when they
 * connect and again at each event.
 */
import type { Namespace, Socket } from "socket.io";
import type { Clock } from "../model/clock.ts";
import type { Result } from "../model/result.ts";
import type { LiveBroadcast, LiveWatcher } from "./live-broadcast.ts";
import { connectErrorOf, internalFault } from "./socket-answer.ts";
import { bufferedBytes, endConnection, type EngineSocket, terminate } from "./socket-engine.ts";
import type { TokenClaims } from "./token-claims.ts";
import { TokenDeadline } from "./token-deadline.ts";

/** What the namespace works with. */
export interface AdminSocketsOptions {
  readonly clock: Clock;
  /** The claims of an admin's valid token. */
  readonly authorise: (token: unknown) => Promise<Result<TokenClaims>>;
  readonly broadcast: LiveBroadcast;
  /** Told when a connection has shown a valid token. */
  readonly admitted: (connection: EngineSocket) => void;
}

/** Serves admins from now on. */
export function serveAdmins(namespace: Namespace, options: AdminSocketsOptions): void {
  const allClaims = new WeakMap<Socket, TokenClaims>();

  async function authenticate(socket: Socket): Promise<Error | undefined> {
    const claims = await options.authorise(socket.handshake.auth["token"]);
    if (claims.kind !== "success") return connectErrorOf(claims);
    allClaims.set(socket, claims.value);
    return undefined;
  }

  async function decide(socket: Socket, next: (error?: Error) => void): Promise<void> {
    next(await authenticate(socket).catch(internalFault));
  }

  namespace.use((socket, next) => void decide(socket, next));
  namespace.on("connection", (socket) => connected(socket, allClaims.get(socket)!, options));
}

function connected(socket: Socket, { expiresAtMillis, role }: TokenClaims, options: AdminSocketsOptions): void {
  const { clock, broadcast, admitted } = options;
  const deadline = new TokenDeadline(clock, expiresAtMillis, () => void socket.disconnect(true));
  const watcher: LiveWatcher = {
    isWritable: () => socket.conn.transport.writable,
    bufferedBytes: () => bufferedBytes(socket.conn),
    isAllowed: () => role === "admin" && !deadline.hasPassed,
    send: (figures) => void socket.volatile.emit("live", figures),
    // Who is slow would not read a farewell; who has expired is told by the deadline's own.
    end: () => (deadline.hasPassed ? void socket.disconnect(true) : terminate(socket.conn)),
  };
  admitted(socket.conn);
  // There is no event that admins send: whatever comes is asked for its right and then ignored.
  socket.use((_event, next) => {
    if (watcher.isAllowed()) next();
    else socket.disconnect(true);
  });
  // What is no packet of Socket.IO ends the connection; unheard it would be printed.
  socket.on("error", () => undefined);
  socket.on("disconnect", () => {
    deadline.clear();
    broadcast.remove(watcher);
    // Outside of the namespace the token's end would not reach it.
    endConnection(socket.conn, clock);
  });
  void broadcast.add(watcher);
}
