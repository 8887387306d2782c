/**
 * Between the door and the fold, inside one process: inflated bodies that the door has just opened, found by their log id,
 * so that the fold need not open them again. It saves work and nothing else: what is not here is opened from the log.
 */

/** A body that the door has opened. */
export interface DecodedBody {
  /** Inflated, protobuf. */
  readonly body: Uint8Array;
  /** Whether the door found no point to refuse: then the fold would find none either. */
  readonly isClean: boolean;
}

/** A bounded map from log ids to inflated protobuf bodies. */
export class DecodedBodies {
  readonly #maxBytes: number;
  readonly #bodies = new Map<string, DecodedBody>();
  #bytes = 0;

  /** `maxBytes`: bodies past that are not kept. */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** Bytes held. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Keeps a body if there is room. */
  offer(id: string, decoded: DecodedBody): void {
    if (this.#bytes + decoded.body.length > this.#maxBytes) return;
    this.#bodies.set(id, decoded);
    this.#bytes += decoded.body.length;
  }

  /** The body of an entry, which is let go of. */
  take(id: string): DecodedBody | undefined {
    const decoded = this.#bodies.get(id);
    if (decoded === undefined) return undefined;
    this.#bodies.delete(id);
    this.#bytes -= decoded.body.length;
    return decoded;
  }

  /** How many bodies are held. */
  get size(): number {
    return this.#bodies.size;
  }

  /** Lets go of the bodies that have been held longest: those that the fold has gone past. */
  dropOldest(count: number): void {
    let left = count;
    for (const id of this.#bodies.keys()) {
      if (left-- <= 0) return;
      this.take(id);
    }
  }

  /** Lets go of everything. */
  clear(): void {
    this.#bodies.clear();
    this.#bytes = 0;
  }
}
