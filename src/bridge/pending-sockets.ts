/**
 * Bridge: sockets that have shown no token yet. They may be anybody's: few of one address, few in all, not for long, and they
 * may send little.
 */
import type { Clock } from "../model/clock.ts";
import { addressGroup } from "./address-group.ts";
import { type EngineSocket, terminate } from "./socket-engine.ts";

/** Bounds on sockets that have shown no token. */
export interface PendingLimits {
  readonly maxPending: number;
  readonly maxPendingPerAddress: number;
  /** From the websocket to a valid token. */
  readonly connectTimeoutMillis: number;
}

/** Messages that are enough to connect to both namespaces, and to try another token. */
const MAX_MESSAGES = 8;
/** Characters of a message: a token has at most 8192, and what is around it is short. */
const MAX_MESSAGE_LENGTH = 12 * 1024;
/** Bytes in all: what a message that never ends would hold, and two tokens of the longest are less. */
const MAX_BYTES = 32 * 1024;

/** Counts them. */
export class PendingSockets {
  readonly #limits: PendingLimits;
  readonly #clock: Clock;
  readonly #byAddress = new Map<string, number>();
  readonly #admit = new WeakMap<EngineSocket, () => void>();
  #count = 0;

  constructor(limits: PendingLimits, clock: Clock) {
    this.#limits = limits;
    this.#clock = clock;
  }

  /** Sockets that have shown no token yet. */
  get count(): number {
    return this.#count;
  }

  /** Whether another socket of this address may wait. */
  hasRoomFor(address: string | undefined): boolean {
    const ofAddress = this.#byAddress.get(addressGroup(address)) ?? 0;
    return this.#count < this.#limits.maxPending && ofAddress < this.#limits.maxPendingPerAddress;
  }

  /**
   * Counts a socket until it is admitted or closed, and ends it when it takes too long, or sends more or other things than it
   * takes to connect.
   */
  watch(connection: EngineSocket): void {
    const address = addressGroup(connection.remoteAddress);
    let messages = 0;
    let isPending = true;
    // That it has joined a namespace of the library's own, or none, is no admission.
    const timer = this.#clock.after(this.#limits.connectTimeoutMillis, () => terminate(connection));
    const onMessage = (data: unknown): void => {
      messages += 1;
      // Connecting takes text alone: attachments would be held until the last of them came.
      const isAllowed = typeof data === "string" && data.length <= MAX_MESSAGE_LENGTH && messages <= MAX_MESSAGES;
      if (!isAllowed) terminate(connection);
    };
    let bytes = 0;
    const { socket } = connection.request;
    const onBytes = (chunk: Uint8Array): void => {
      bytes += chunk.length;
      if (bytes > MAX_BYTES) terminate(connection);
    };
    const release = (): void => {
      if (!isPending) return;
      isPending = false;
      timer.clear();
      connection.off("data", onMessage);
      socket.off("data", onBytes);
      this.#change(address, -1);
    };
    this.#change(address, 1);
    this.#admit.set(connection, release);
    connection.on("data", onMessage);
    // Below the websocket: what belongs to no message yet is held there, up to the size of an event's.
    socket.on("data", onBytes);
    connection.once("close", release);
  }

  /** The socket has shown a valid token. */
  admit(connection: EngineSocket): void {
    this.#admit.get(connection)?.();
  }

  #change(address: string, by: number): void {
    this.#count += by;
    const count = (this.#byAddress.get(address) ?? 0) + by;
    if (count === 0) this.#byAddress.delete(address);
    else this.#byAddress.set(address, count);
  }
}
