/**
 * A client without a network: a connection in memory that sends its request again whenever an answer is complete, so that a
 * measurement holds what the server does and not what the kernel does.
 */
/* oxlint-disable no-underscore-dangle -- the underscored names are Node's */

import type { Server } from "node:http";
import { Duplex } from "node:stream";

/** Sends `requests` requests on one connection. Counts its bytes as sockets do. */
class LoopConnection extends Duplex {
  bytesRead = 0;
  _bytesDispatched = 0;
  #left: number;
  readonly #request: Buffer;
  readonly #done: () => void;

  constructor(request: Buffer, requests: number, done: () => void) {
    super();
    this.#left = requests;
    this.#request = request;
    this.#done = done;
  }

  start(): void {
    this.bytesRead += this.#request.length;
    this.push(this.#request);
  }

  override _read(): void {}

  override _write(chunk: Buffer | string, _encoding: BufferEncoding, callback: () => void): void {
    this._bytesDispatched += chunk.length;
    callback();
    this.#left -= 1;
    // Not before the server has finished with the response: a client cannot be that fast, and would be pipelining.
    if (this.#left === 0) process.nextTick(this.#done);
    else process.nextTick(startAgain, this);
  }
}

function startAgain(connection: LoopConnection): void {
  connection.start();
}

/** Sends `requests` requests to `server`, one after the other. Answers must be written in one piece. */
export async function sendRequests(server: Server, request: Buffer, requests: number): Promise<void> {
  let connection: LoopConnection | undefined;
  await new Promise<void>((resolve) => {
    connection = new LoopConnection(request, requests, resolve);
    server.emit("connection", connection);
    connection.start();
  });
  connection?.destroy();
}
