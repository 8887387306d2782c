/**
 * The byte counts of one socket, readable while it lives and after it was destroyed.
 */
/* oxlint-disable no-underscore-dangle -- the underscored names are Node's */

import type { ServerSocket } from "./node-internals.ts";

/** Clear text in a full TLS record, and that record as it goes over the wire (RFC 8446, section 5.2, AES-GCM). */
const TLS_RECORD_CLEAR_BYTES = 16_384;
const TLS_RECORD_WIRE_BYTES = 16_406;

const known = new WeakMap<ServerSocket, SocketBytes>();

/** The counts of `socket`; one object a socket, whoever asks. */
export function bytesOf(socket: ServerSocket): SocketBytes {
  let bytes = known.get(socket);
  if (bytes === undefined) {
    bytes = new SocketBytes(socket);
    known.set(socket, bytes);
  }
  return bytes;
}

/** Reads a socket's counts. All values are bytes; they are 0 for a duplex that counts nothing. */
export class SocketBytes {
  /** Whether the socket counts at all; a plain duplex does not. */
  readonly counts: boolean;
  readonly #socket: ServerSocket;
  /** What the TLS handshake had taken when the first request came. */
  readonly #handshakeBytes: number;
  #acceptedAtDestroy: number | undefined = undefined;
  #unsentAtDestroy: number | undefined = undefined;

  /** Reads `socket` from now on; takes a last reading when it is destroyed, before the handle is gone. */
  constructor(socket: ServerSocket) {
    this.#socket = socket;
    this.counts = Number.isFinite(socket.bytesRead) && Number.isFinite(socket._bytesDispatched);
    this.#handshakeBytes = socket._parent?._handle?.bytesWritten ?? 0;
    const destroy = socket._destroy;
    socket._destroy = (error, callback) => {
      try {
        this.#unsentAtDestroy ??= this.#unsentNow();
        this.#acceptedAtDestroy ??= this.#acceptedNow();
      } catch {
        // An odd socket: the reading after its end has to do.
      }
      destroy.call(socket, error, callback);
    };
  }

  /** Bytes received; clear text on a TLS socket. */
  get received(): number {
    return finiteOrZero(this.#socket.bytesRead);
  }

  /** Bytes handed to the socket's handle, whether the kernel took them or not. */
  get dispatched(): number {
    return finiteOrZero(this.#socket._bytesDispatched);
  }

  /** Bytes the kernel took. On TLS an estimate within one record, because only encrypted bytes are queued. */
  get accepted(): number {
    return this.#acceptedAtDestroy ?? this.#acceptedNow();
  }

  /** Bytes that were written to the socket and that the kernel has not taken, wherever they wait. */
  get unsent(): number {
    return this.#unsentAtDestroy ?? this.#unsentNow();
  }

  #unsentNow(): number {
    return Math.max(0, finiteOrZero(this.#socket.bytesWritten) - this.#acceptedNow());
  }

  #acceptedNow(): number {
    const dispatched = this.dispatched;
    const transport = this.#socket._parent?._handle;
    if (transport === null || transport === undefined)
      return Math.max(0, dispatched - finiteOrZero(this.#socket._handle?.writeQueueSize));
    const queued = finiteOrZero(transport.writeQueueSize);
    if (queued === 0) return dispatched;
    const wire = finiteOrZero(transport.bytesWritten) - queued - this.#handshakeBytes;
    const clear = Math.floor((Math.max(0, wire) * TLS_RECORD_CLEAR_BYTES) / TLS_RECORD_WIRE_BYTES);
    return Math.min(dispatched, clear);
  }
}

function finiteOrZero(value: number | undefined): number {
  return typeof value === "number" && Number.isFinite(value) ? value : 0;
}
