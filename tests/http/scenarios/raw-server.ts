/**
 * A server that speaks HTTP/1 by hand and keeps every byte: the truth for what clients send and receive.
 */

import { createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { createServer as createTlsServer } from "node:tls";
import { parseRequests, type WireRequest } from "../support/wire-messages.ts";
import { serverTls } from "./tls-options.ts";

/** One connection as the server sees it. */
export class RawConnection {
  readonly socket: Socket;
  readonly #received: Buffer[] = [];
  readonly #sent: Buffer[] = [];
  readonly closed: Promise<void>;

  constructor(socket: Socket, onData: () => void) {
    this.socket = socket;
    this.closed = new Promise((resolve) => socket.once("close", () => resolve()));
    socket.on("error", () => {});
    socket.on("data", (data: Buffer) => {
      this.#received.push(data);
      onData();
    });
  }

  send(data: string | Buffer): void {
    const bytes = typeof data === "string" ? Buffer.from(data, "latin1") : data;
    this.#sent.push(bytes);
    this.socket.write(bytes);
  }

  received(): Buffer {
    return Buffer.concat(this.#received);
  }

  sent(): Buffer {
    return Buffer.concat(this.#sent);
  }

  requests(): WireRequest[] {
    return parseRequests(this.received(), false);
  }
}

/** What the server says to a whole request; nothing when undefined. `index` counts over all connections. */
export type Respond = (
  request: WireRequest,
  index: number,
  connection: RawConnection,
) => string | Buffer | undefined | void;

/** The server. */
export class RawServer {
  readonly connections: RawConnection[] = [];
  readonly #server: Server;
  #answered = 0;

  /** `onConnection` may take a connection over: then nothing is answered. */
  constructor(respond: Respond, tls: boolean, onConnection?: (connection: RawConnection) => void) {
    const accept = (socket: Socket): void => {
      let seen = 0;
      const connection = new RawConnection(socket, () => {
        if (onConnection !== undefined) return;
        for (const request of connection.requests().slice(seen)) {
          if (!request.complete) return;
          seen += 1;
          const response = respond(request, this.#answered, connection);
          this.#answered += 1;
          if (response !== undefined) connection.send(response);
        }
      });
      this.connections.push(connection);
      onConnection?.(connection);
    };
    this.#server = tls ? createTlsServer(serverTls(), accept) : createServer(accept);
  }

  async listen(): Promise<number> {
    await new Promise<void>((resolve) => this.#server.listen(0, "127.0.0.1", resolve));
    return (this.#server.address() as AddressInfo).port;
  }

  async close(): Promise<void> {
    for (const { socket } of this.connections) socket.destroy();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }
}
