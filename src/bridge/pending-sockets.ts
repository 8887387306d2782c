/**
 * Bridge: sockets that have shown no token yet. They may be anybody's: few of one address, few in all, and they may send
 * little.
 */
import { addressGroup } from "./address-group.ts";
import { type EngineSocket, terminate } from "./socket-engine.ts";

/** Bounds on sockets that have shown no token. */
export interface PendingLimits {
  readonly maxPending: number;
  readonly maxPendingPerAddress: number;
}

/** Messages that are enough to connect to both namespaces, and to try another token. */
const MAX_MESSAGES = 8;

/** Counts them. */
export class PendingSockets {
  readonly #limits: PendingLimits;
  readonly #byAddress = new Map<string, number>();
  readonly #admit = new WeakMap<EngineSocket, () => void>();
  #count = 0;

  constructor(limits: PendingLimits) {
    this.#limits = limits;
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

  /** Counts a socket until it is admitted or closed, and ends it when it sends more than it takes to connect. */
  watch(connection: EngineSocket): void {
    const address = addressGroup(connection.remoteAddress);
    let messages = 0;
    let isPending = true;
    const onMessage = (): void => {
      messages += 1;
      if (messages > MAX_MESSAGES) terminate(connection);
    };
    const release = (): void => {
      if (!isPending) return;
      isPending = false;
      connection.off("data", onMessage);
      this.#change(address, -1);
    };
    this.#change(address, 1);
    this.#admit.set(connection, release);
    connection.on("data", onMessage);
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
