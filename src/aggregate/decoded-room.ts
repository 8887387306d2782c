/**
 * Between the door and the fold, inside one process: room for inflated bodies, which all shards share. How many shards there are says
 * nothing of how many this process owns, nor of which of those have something to fold.
 */

/** The room of all shards. */
export class DecodedRoom {
  readonly #maxBytes: number;
  #bytes = 0;
  #holders = 0;

  /** `maxBytes`: of all shards together. */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** Takes room for a body of a shard that holds `held` bytes so far; false where there is none. */
  take(bytes: number, held: number): boolean {
    if (this.#bytes + bytes > this.#maxBytes) return false;
    this.#bytes += bytes;
    if (held === 0 && bytes > 0) this.#holders += 1;
    return true;
  }

  /** Gives room back; `left`: the bytes that the shard still holds. */
  give(bytes: number, left: number): void {
    this.#bytes -= bytes;
    if (left === 0 && bytes > 0) this.#holders -= 1;
  }

  /**
   * Whether a shard that holds `held` bytes should be folded without waiting: half of the room is taken, and it has no less of that than
   * shards have on average.
   */
  isCrowdedBy(held: number): boolean {
    return held > 0 && this.#bytes * 2 >= this.#maxBytes && held * this.#holders >= this.#bytes;
  }
}
