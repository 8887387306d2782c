/**
 * Bridge: the websocket library below Socket.IO, with limits that Socket.IO does not pass on. Without them a socket that
 * sends pings or fragments and reads nothing takes hundreds of megabytes before anyone has asked for its token.
 */
import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import type { Socket } from "socket.io";
import { type ServerOptions, type WebSocket, WebSocketServer } from "ws";
import type { Clock } from "../model/clock.ts";

/** The connection below a socket. */
export type EngineSocket = Socket["conn"];

/** An event is one message of one fragment; the engine's own are smaller. */
const LIMITS: ServerOptions & { readonly maxBufferedChunks: number; readonly maxPendingAutoPongs: number } = {
  maxFragments: 64,
  maxBufferedChunks: 1024,
  maxPendingAutoPongs: 8,
  perMessageDeflate: false,
};

/** Makes the websocket server that Socket.IO asks for. */
export class LimitedWebSocketServer extends WebSocketServer {
  constructor(options: ServerOptions) {
    super({ ...options, ...LIMITS });
  }

  /** Ends a client that sends before it is answered, which RFC 6455 section 4.1 forbids: nobody would count what that is. */
  override handleUpgrade(
    request: IncomingMessage,
    socket: Duplex,
    head: Buffer,
    callback: (client: WebSocket, request: IncomingMessage) => void,
  ): void {
    if (head.length > 0) socket.destroy();
    else super.handleUpgrade(request, socket, head, callback);
  }
}

/** Ends a connection at once, whatever waits to be written to it. */
export function terminate(connection: EngineSocket): void {
  const socket = webSocketOf(connection);
  // Closed first, or what the websocket has already read would still be handled.
  connection.close(true);
  // A polite close alone would wait for the answer of somebody who does not read.
  socket?.terminate();
}

/** How long a client may take to read a farewell and to answer it. */
const FAREWELL_MILLIS = 500;

/** Ends a connection once what waits for it is written, and soon after in any case. */
export function endConnection(connection: EngineSocket, clock: Clock): void {
  connection.close();
  clock.after(FAREWELL_MILLIS, () => terminate(connection));
}

/** Bytes that wait to be written to a connection. */
export function bufferedBytes(connection: EngineSocket): number {
  return webSocketOf(connection)?.bufferedAmount ?? 0;
}

function webSocketOf(connection: EngineSocket): WebSocket | undefined {
  return (connection.transport as unknown as { readonly socket?: WebSocket }).socket;
}
