/**
 * Fold, inside: the resources and scopes that a shard hears from, found by their raw bytes, and the unit in which counter
 * state is loaded from and written to SQL.
 */
import { readResourceAttributes } from "../model/attributes.ts";
import { canonicalResource, canonicalScope, identityHash } from "../model/canonical-attributes.ts";
import type { BridgeIdentity } from "../model/ingest-log.ts";
import { resourceDimensions, resourceSlot, type ResourceDimensions } from "../model/resource-identity.ts";
import { ScopeSize, type ShardSize } from "./state-size.ts";
import type { Parent } from "./streams.ts";

/** One resource, as its bytes came. */
export interface ResourceEntry {
  readonly canonical: Uint8Array;
  readonly dimensions: ResourceDimensions;
  readonly slot: number;
  readonly identity: BridgeIdentity | undefined;
  readonly scopes: Map<string, ScopeState>;
}

/** One resource and scope: its parents and streams. */
export interface ScopeState {
  readonly stateKey: string;
  readonly slot: number;
  readonly parents: Map<string, Parent>;
  readonly size: ScopeSize;
  /** Whether its state, if there is any in SQL, has been put in. */
  loaded: boolean;
  /** Whether something changed since its state was last taken for a commit. */
  dirty: boolean;
  /** Streams that start at or before this come back as baselines: state was forgotten. Nanoseconds, halves; 0: nothing was. */
  forgottenHigh: number;
  forgottenLow: number;
  /** Newest receive time that touched it, milliseconds. */
  touchedAtMillis: number;
}

/** Raw byte sequences of resources that are remembered; past that, all are found again by decoding. */
const MAX_RAW_RESOURCES = 20_000;
const MAX_RAW_SCOPES_PER_RESOURCE = 1000;
/** Characters of all of them. */
const MAX_RAW_LENGTH = 16 * 1024 * 1024;

/** With more than this part of what it may hold (less than where it takes in no new scope), a shard lets go of what was touched longest ago, until this part is left. */
const CROWDED_PART = 0.75;
const KEPT_PART = 0.5;

/** The resources and scopes of a shard. */
export class ScopeTable {
  readonly #byRaw = new Map<string, ResourceEntry>();
  readonly #states = new Map<string, ScopeState>();
  readonly #size: ShardSize;
  #rawLength = 0;

  /** `size`: counts what is held. */
  constructor(size: ShardSize) {
    this.#size = size;
  }

  /** The resource in these bytes. */
  resource(body: Buffer, start: number, end: number, identity: BridgeIdentity | undefined): ResourceEntry {
    const raw = body.toString("latin1", start, end);
    const key = identity ? `${JSON.stringify(identity)}${raw}` : raw;
    const known = this.#byRaw.get(key);
    if (known) return known;
    this.#noteRaw(key, this.#byRaw.size >= MAX_RAW_RESOURCES);
    const entry = makeResource(body, start, end, identity);
    this.#byRaw.set(key, entry);
    return entry;
  }

  /** Bytes that are held, by an estimate. */
  get bytes(): number {
    return this.#size.bytes;
  }

  /** Whether so much is held that a commit should come, after which some can be let go of. */
  get isCrowded(): boolean {
    return this.#size.bytes > CROWDED_PART * this.#size.maxBytes;
  }

  #noteRaw(raw: string, isFull: boolean): void {
    this.#rawLength += raw.length;
    if (!isFull && this.#rawLength <= MAX_RAW_LENGTH) return;
    this.#byRaw.clear();
    this.#rawLength = raw.length;
  }

  /** The state of a resource and scope if it is held; `loaded` is false until its state in SQL was put in. */
  find(resource: ResourceEntry, body: Buffer, start: number, end: number): ScopeState | undefined {
    const raw = body.toString("latin1", start, end);
    const known = resource.scopes.get(raw);
    if (known && this.#states.get(known.stateKey) === known) return known;
    const state = this.#states.get(stateKeyOf(resource, canonicalScope(body, start, end)));
    if (state) this.#remember(resource, raw, state);
    return state;
  }

  /** As {@link find}, and makes it when it is not held. Undefined when there is no room for it. */
  scope(resource: ResourceEntry, body: Buffer, start: number, end: number): ScopeState | undefined {
    const known = this.find(resource, body, start, end);
    if (known) return known;
    const state = this.#make(resource, stateKeyOf(resource, canonicalScope(body, start, end)));
    if (state) this.#remember(resource, body.toString("latin1", start, end), state);
    return state;
  }

  #remember(resource: ResourceEntry, raw: string, state: ScopeState): void {
    this.#noteRaw(raw, false);
    if (resource.scopes.size >= MAX_RAW_SCOPES_PER_RESOURCE) resource.scopes.clear();
    resource.scopes.set(raw, state);
  }

  #make(resource: ResourceEntry, stateKey: string): ScopeState | undefined {
    if (this.#size.isFullForScopes) return undefined;
    const state: ScopeState = {
      stateKey,
      slot: resource.slot,
      parents: new Map(),
      size: new ScopeSize(this.#size),
      loaded: false,
      dirty: false,
      forgottenHigh: 0,
      forgottenLow: 0,
      touchedAtMillis: 0,
    };
    this.#states.set(stateKey, state);
    return state;
  }

  /** Every scope that is held. */
  all(): Iterable<ScopeState> {
    return this.#states.values();
  }

  /**
   * Lets go of scopes that nothing was received of since a time, and when much is held also of others, the longest untouched
   * first; their state is in SQL.
   */
  evictIdle(beforeMillis: number): void {
    const before = this.#states.size;
    for (const state of this.#states.values()) if (state.touchedAtMillis < beforeMillis) this.#evict(state);
    if (this.isCrowded) {
      const oldestFirst = [...this.#states.values()].sort((a, b) => a.touchedAtMillis - b.touchedAtMillis);
      for (const state of oldestFirst) {
        if (this.#size.bytes <= KEPT_PART * this.#size.maxBytes) break;
        this.#evict(state);
      }
    }
    // Entries by raw bytes hold on to scopes: they are found again at the next request.
    if (this.#states.size < before) this.#byRaw.clear();
  }

  #evict(state: ScopeState): void {
    if (state.dirty) return;
    state.size.leave();
    this.#states.delete(state.stateKey);
  }
}

function stateKeyOf({ canonical, identity }: ResourceEntry, scope: Uint8Array): string {
  const parts = [canonical, scope];
  if (identity) parts.push(new TextEncoder().encode(JSON.stringify(identity)));
  return identityHash(parts);
}

function makeResource(body: Buffer, start: number, end: number, identity: BridgeIdentity | undefined): ResourceEntry {
  const dimensions = resourceDimensions(readResourceAttributes(body, start, end), identity);
  const canonical = canonicalResource(body, start, end);
  return { canonical, dimensions, slot: resourceSlot(dimensions), identity, scopes: new Map() };
}

/** The same bytes as a buffer, not copied. */
export function bufferOf(body: Uint8Array): Buffer {
  return Buffer.isBuffer(body) ? body : Buffer.from(body.buffer, body.byteOffset, body.length);
}
