/**
 * Fold, inside: how much state a shard holds, by an estimate that is never far below the truth. Attributes are the senders'
 * to choose: without a limit on what is remembered of them a sender could fill memory, or make a row that SQL refuses.
 */

// Bytes of memory. Attributes come on top of streams and aliases, buckets on top of counters.
const SCOPE_BYTES = 3500;
const STREAM_BYTES = 1000;
const COUNTER_BYTES = 150;
const ALIAS_BYTES = 200;
const BUCKET_BYTES = 8;
const SEEN_START_BYTES = 80;

/** What a stream, and a counter without its buckets, takes in the packed row of its scope at most. */
const STREAM_ROW_BYTES = 28;
const COUNTER_ROW_BYTES = 60;
const SEEN_START_ROW_BYTES = 16;

/** The packed row of a scope stays below this: servers refuse packets of 16 MiB. */
const MAX_ROW_BYTES = 12 * 1024 * 1024;

/** Above this part of its room a shard takes in no new scope, so that those that it has just taken in have room for streams. */
const SCOPES_PART = 0.8;

/** The state of all scopes of a shard. */
export class ShardSize {
  readonly maxBytes: number;
  bytes = 0;

  /** `maxBytes`: above it nothing new is remembered. */
  constructor(maxBytes: number) {
    this.maxBytes = maxBytes;
  }

  /** Whether there is no room for anything new. */
  get isFull(): boolean {
    return this.bytes >= this.maxBytes;
  }

  /** Whether there is no room for another scope. */
  get isFullForScopes(): boolean {
    return this.bytes >= this.maxBytes * SCOPES_PART;
  }
}

/** The state of one resource and scope. */
export class ScopeSize {
  readonly #shard: ShardSize;
  #bytes = 0;
  #rowBytes = 0;

  /** Counts a scope in. */
  constructor(shard: ShardSize) {
    this.#shard = shard;
    this.#take(SCOPE_BYTES);
  }

  /** Whether there is no room for a new stream, counter or bucket: those that are there go on. */
  get isFull(): boolean {
    return this.#shard.isFull || this.#rowBytes >= MAX_ROW_BYTES;
  }

  /** Counters of a stream: the stream itself may not have been seen yet. */
  addStreamState(): void {
    this.#rowBytes += STREAM_ROW_BYTES;
  }

  /** A stream, whose attributes have so many bytes as they came. */
  addStream(attributeBytes: number): void {
    // As they came, decoded, and as dimensions.
    this.#take(STREAM_BYTES + 3 * attributeBytes);
  }

  /** Another form of the attributes of a known stream. */
  addAlias(attributeBytes: number): void {
    this.#take(ALIAS_BYTES + 2 * attributeBytes);
  }

  /** A stream's counter of one start time. */
  addCounter(): void {
    this.#take(COUNTER_BYTES);
    this.#rowBytes += COUNTER_ROW_BYTES;
  }

  /** A counter with so many buckets that was let go of. */
  removeCounter(buckets: number): void {
    this.#take(-COUNTER_BYTES);
    this.#rowBytes -= COUNTER_ROW_BYTES;
    this.addBuckets(-buckets);
  }

  /** Starts that are remembered of a metric; fewer than none when they are let go of. */
  addSeenStarts(count: number): void {
    this.#take(SEEN_START_BYTES * count);
    this.#rowBytes += SEEN_START_ROW_BYTES * count;
  }

  /** Bounds that are remembered of a metric's histograms; fewer than none when they are let go of. */
  addBounds(count: number): void {
    this.#take(3 * BUCKET_BYTES * count);
  }

  /** Buckets that a counter holds beyond those it held; fewer than none when it holds less. */
  addBuckets(count: number): void {
    this.#take(BUCKET_BYTES * count);
    // A count takes up to eight bytes in a row, and so does the bound beside it.
    this.#rowBytes += 2 * BUCKET_BYTES * count;
  }

  /** Counts the scope out. */
  leave(): void {
    this.#shard.bytes -= this.#bytes;
    this.#bytes = 0;
  }

  #take(bytes: number): void {
    this.#bytes += bytes;
    this.#shard.bytes += bytes;
  }
}
