/**
 * Fold, inside: the parents (resource, scope, metric) and streams (their attribute sets) of a shard. A point finds its
 * stream by its raw attribute bytes, first where it stood in the request before; only a byte sequence never seen is decoded.
 */
import { type KeyValue, readKeyValues } from "../model/any-value.ts";
import { attributesHash, identityHash } from "../model/canonical-attributes.ts";
import type { SeriesDimensions } from "../model/dimensions.ts";
import { plainAttributes, type PlainAttributes } from "../model/attributes.ts";
import type { MetricHeader } from "../model/metric-visitor.ts";
import type { MetricMeaning, StreamColumns } from "../model/metric-meaning.ts";
import type { PointCursor } from "../model/point-cursor.ts";
import { REALTIME_STEP_MILLIS } from "../model/realtime-store.ts";
import { ByteSequence } from "./byte-sequence.ts";
import { COUNTER_NUMBERS, CounterSet } from "./counter.ts";
import { ExpectedOrder } from "./expected-order.ts";
import type { ExplicitBounds } from "./latency-parts.ts";
import { NumberSlab } from "./number-slab.ts";
import type { Series } from "./series-table.ts";
import type { ScopeSize } from "./state-size.ts";
import { StartHistory } from "./start-history.ts";

/** Numbers of a {@link LiveIncrease} in its slab. */
const LIVE_NUMBERS = 4;

/** How long an increase over an interval is shown: two intervals without news, and no less than two steps of the live view. */
export function liveMillis(intervalMillis: number): number {
  return Math.max(2 * intervalMillis, 2 * REALTIME_STEP_MILLIS);
}

/** The latest increase of a stream, for the live view. */
export class LiveIncrease {
  readonly #numbers: Float64Array;
  readonly #offset: number;

  /** No increase yet. */
  constructor(slab: NumberSlab) {
    this.#offset = slab.add();
    this.#numbers = slab.numbers;
  }

  /** Observations. */
  get count(): number {
    return this.#numbers[this.#offset]!;
  }

  get value(): number {
    return this.#numbers[this.#offset + 1]!;
  }

  get intervalMillis(): number {
    return this.#numbers[this.#offset + 2]!;
  }

  /** When it is too old to be shown: milliseconds since the Unix epoch. */
  get expiresAtMillis(): number {
    return this.#numbers[this.#offset + 3]!;
  }

  /** When it was received, milliseconds since the Unix epoch. */
  get receivedAtMillis(): number {
    return this.expiresAtMillis - liveMillis(this.intervalMillis);
  }

  /** Notes an increase. */
  set(count: number, value: number, intervalMillis: number, receivedAtMillis: number): void {
    const numbers = this.#numbers;
    numbers[this.#offset] = count;
    numbers[this.#offset + 1] = value;
    numbers[this.#offset + 2] = intervalMillis;
    numbers[this.#offset + 3] = receivedAtMillis + liveMillis(intervalMillis);
  }
}

/** What a new stream is given: which columns it adds to, of which series. */
export type StreamTarget = Pick<Stream, "columns" | "dimensions" | "series">;

/** One attribute set of a parent. */
export interface Stream {
  /** 32 hexadecimal digits: a hash of the canonical attributes. */
  readonly key: string;
  /** Words of a hash over the whole identity, for telling repeated delta points; 0 where there are none. */
  readonly wordA: number;
  readonly wordB: number;
  readonly columns: StreamColumns;
  readonly counters: CounterSet;
  readonly dimensions: SeriesDimensions;
  series: Series;
  readonly live: LiveIncrease;
}

/** A byte sequence that a stream's attributes came in. */
interface Alias {
  readonly raw: ByteSequence;
  readonly stream: Stream;
  readonly next: Alias | undefined;
}

/** The part of a stream's identity that all points of a metric share. */
export class Parent {
  readonly key: string;
  readonly meaning: MetricMeaning;
  readonly history: StartHistory = new StartHistory();
  /** The cumulative state of streams by their key, those included that were loaded and not seen since. */
  readonly counters: Map<string, CounterSet> = new Map();
  readonly streams: Map<string, Stream> = new Map();
  readonly #identity: string;
  readonly #isDelta: boolean;
  readonly #size: ScopeSize;
  readonly #aliases = new Map<number, Alias>();
  readonly #expected: Stream[] = [];
  readonly #order = new ExpectedOrder();
  readonly #counterSlab = new NumberSlab(COUNTER_NUMBERS);
  readonly #liveSlab = new NumberSlab(LIVE_NUMBERS);
  readonly #bounds: ExplicitBounds[] = [];
  #position = 0;

  /** `scope`: the resource and scope it belongs to. */
  constructor(key: string, meaning: MetricMeaning, scope: { readonly stateKey: string; readonly size: ScopeSize }) {
    this.key = key;
    this.meaning = meaning;
    this.#identity = `${scope.stateKey}|${key}`;
    this.#isDelta = key.endsWith("|delta");
    this.#size = scope.size;
  }

  /** Starts over with the first point of a metric. */
  rewind(): void {
    this.#position = 0;
    this.#order.settle();
  }

  /** The counters of a stream, made when there are none. */
  countersOf(key: string): CounterSet {
    let counters = this.counters.get(key);
    if (counters === undefined) {
      counters = new CounterSet(this.#counterSlab, this.#size);
      this.counters.set(key, counters);
    }
    return counters;
  }

  /**
   * The stream of a point; `make` is called for the columns and series of one that was never seen. Undefined when it is new
   * and there is no room for it.
   */
  stream(point: PointCursor, make: (attributes: PlainAttributes) => StreamTarget): Stream | undefined {
    const position = this.#position++;
    const { body, attributesStart: start, attributesEnd: end } = point;
    if (this.#order.matches(position, body, start, end)) return this.#expected[position];
    const hash = ByteSequence.hash(body, start, end);
    let alias = this.#aliases.get(hash);
    while (alias !== undefined && !alias.raw.equals(body, start, end)) alias = alias.next;
    alias ??= this.#addAlias(hash, new ByteSequence(body, start, end), readKeyValues(body, start, end), make);
    if (alias === undefined) return undefined;
    // A sender that repeats one metric many times in a request must not make this grow: places are as many as streams.
    if (position <= this.#aliases.size && position <= this.#expected.length) {
      this.#expected[position] = alias.stream;
      this.#order.set(position, alias.raw);
    }
    return alias.stream;
  }

  #addAlias(
    hash: number,
    raw: ByteSequence,
    entries: readonly KeyValue[],
    make: Parameters<Parent["stream"]>[1],
  ): Alias | undefined {
    const key = attributesHash(entries);
    let stream = this.streams.get(key);
    if (stream === undefined) {
      // A stream that is known from before this process has counters; it goes on.
      if (this.#size.isFull && !this.counters.has(key)) return undefined;
      this.#size.addStream(raw.length);
      stream = this.#makeStream(key, make(plainAttributes(entries)));
      this.streams.set(key, stream);
    }
    const alias: Alias = { raw, stream, next: this.#aliases.get(hash) };
    // Without room it is found anew each time.
    if (this.#size.isFull) return alias;
    this.#size.addAlias(raw.length);
    this.#aliases.set(hash, alias);
    return alias;
  }

  #makeStream(key: string, target: StreamTarget): Stream {
    const digest = this.#isDelta ? identityHash([Buffer.from(`${this.#identity}|${key}`)]) : "0000000000000000";
    return {
      key,
      wordA: Number.parseInt(digest.slice(0, 8), 16) | 0,
      wordB: Number.parseInt(digest.slice(8, 16), 16) | 0,
      ...target,
      counters: this.countersOf(key),
      live: new LiveIncrease(this.#liveSlab),
    };
  }

  /** One object for equal bounds of points; the last few are remembered. */
  boundsOf = (point: PointCursor): ExplicitBounds => {
    const { boundsBody, boundsStart, boundsEnd } = point;
    for (const bounds of this.#bounds) if (bounds.wire.equals(boundsBody, boundsStart, boundsEnd)) return bounds;
    return this.addBounds(boundsBody.slice(boundsStart, boundsEnd));
  };

  /** One object for the bounds in packed form. */
  addBounds(wire: Uint8Array): ExplicitBounds {
    const known = this.#bounds.find((bounds) => bounds.wire.equals(wire, 0, wire.length));
    if (known) return known;
    const view = new DataView(wire.buffer, wire.byteOffset, wire.byteLength);
    const values = Float64Array.from({ length: wire.length / 8 }, (_, place) => view.getFloat64(place * 8, true));
    const bounds: ExplicitBounds = { wire: new ByteSequence(wire, 0, wire.length), values, spreads: [] };
    this.#bounds.unshift(bounds);
    const forgotten = this.#bounds.length > MAX_REMEMBERED_BOUNDS ? this.#bounds.pop() : undefined;
    this.#size.addBounds(values.length - (forgotten?.values.length ?? 0));
    return bounds;
  }
}

const MAX_REMEMBERED_BOUNDS = 8;

/** The key of a parent within its resource and scope. */
export function parentKey(header: MetricHeader): string {
  return `${header.name}|${header.unit}|${header.kind}|${header.temporality}`;
}

/** What a parent belongs to. */
interface ParentScope {
  readonly stateKey: string;
  readonly size: ScopeSize;
  readonly parents: Map<string, Parent>;
}

/** The parent of a metric whose first point is at hand, made when there is none. */
export function parentOf(scope: ParentScope, header: MetricHeader, meaning: MetricMeaning): Parent {
  const key = parentKey(header);
  let parent = scope.parents.get(key);
  if (parent === undefined) {
    parent = new Parent(key, meaning, scope);
    scope.parents.set(key, parent);
  }
  parent.rewind();
  return parent;
}
