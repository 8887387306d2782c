/**
 * Between the log and the stores: folds the entries of one shard, in order, into increments of the totals. Deterministic:
 * it reads no clock, receive times stand for it. What it holds beyond SQL is lost with it and folded again from the log.
 */
import { MAX_POINT_LEAD_MILLIS, refuseMetric, refusePoint } from "../model/admission.ts";
import type { PlainAttributes } from "../model/attributes.ts";
import type { LogEntry } from "../model/ingest-log.ts";
import { metricMeaning, type MetricMeaning } from "../model/metric-meaning.ts";
import type { MetricHeader, MetricVisitor } from "../model/metric-visitor.ts";
import type { PointCursor } from "../model/point-cursor.ts";
import { messageOf } from "../model/result.ts";
import type { CounterStateRow, LedgerRow, QuarantineRow } from "../model/rollup-store.ts";
import { highHalf, lowHalf, millisToNanos } from "../model/uint64.ts";
import { countLeftOut, countRefused, FoldCounts } from "./fold-counts.ts";
import type { FoldableEntry } from "./offered-entries.ts";
import { bodyKey, LedgerBuilder, recallLedgerRow } from "./ledger.ts";
import { Quarantine } from "./quarantine.ts";
import { NO_ROOM, PointFold, type FoldContext } from "./point-fold.ts";
import { RecentDeltas } from "./recent-deltas.ts";
import { bufferOf, ScopeTable, type ResourceEntry, type ScopeState } from "./scopes.ts";
import { SeriesTable } from "./series-table.ts";
import type { ShardFoldOptions } from "./shard-fold-options.ts";
import { encodeScopeState, restoreScopeState } from "./state-codec.ts";
import { ShardSize } from "./state-size.ts";
import { streamTarget } from "./stream-target.ts";
import { type Parent, parentOf, type StreamTarget } from "./streams.ts";

/** Rows of a minute that wait for a commit before it should come early. */
export const MAX_PENDING_ROWS = 100_000;

/** The same of hashes of deltas. */
const MAX_PENDING_HASHES = 500_000;

/** The receive time where nothing asks for it. */
const NO_TIME = [0, 0] as const;
const NO_BYTES = Buffer.alloc(0);

/** What a commit takes out of the fold. */
export interface FoldedState {
  readonly counterState: readonly CounterStateRow[];
  readonly ledger: readonly LedgerRow[];
  readonly quarantine: readonly QuarantineRow[];
}

/** Folds one shard. */
export class ShardFold implements MetricVisitor {
  readonly series: SeriesTable;
  readonly scopes: ScopeTable;
  readonly counts: FoldCounts = new FoldCounts();
  readonly #options: ShardFoldOptions;
  readonly #recent: RecentDeltas;
  readonly #points: PointFold;
  readonly #ledger = new LedgerBuilder();
  readonly #quarantine = new Quarantine();
  #newestReceivedMillis = 0;
  // Where the walk stands.
  #entry: FoldableEntry | undefined;
  #context: FoldContext | undefined;
  #body: Buffer = NO_BYTES;
  #resource: ResourceEntry | undefined;
  /** The `InstrumentationScope` message, and its state once a point needs one. */
  #scopeBytes: readonly [body: Buffer, start: number, end: number] = [NO_BYTES, 0, 0];
  #scope: ScopeState | undefined;
  #scopeHasNoRoom = false;
  #parent: Parent | undefined;
  #header: MetricHeader | undefined;
  #meaning: MetricMeaning | undefined;
  #metricRange: readonly [start: number, end: number] = [0, 0];
  #quarantined = false;
  #isClean = false;
  #onlyScopes: Set<ScopeState> | undefined;
  #resourceRange: readonly [start: number, end: number] = [0, 0];

  constructor(options: ShardFoldOptions) {
    this.#options = options;
    this.series = new SeriesTable(options.shard, options.maxSeries, options.maxSeriesOf);
    this.scopes = new ScopeTable(new ShardSize(options.maxStateBytes));
    this.#recent = new RecentDeltas(options.deltaMaxAgeMillis + 2 * MAX_POINT_LEAD_MILLIS, options.maxRecentDeltas);
    this.#points = new PointFold({
      series: this.series,
      recent: this.#recent,
      prices: options.prices,
      accepted: (slot, hash, millis) => this.#ledger.addPoint(slot, hash, this.#context!.receivedAtMillis, millis),
    });
  }

  /** Newest receive time folded, milliseconds; 0 before the first entry. */
  get newestReceivedMillis(): number {
    return this.#newestReceivedMillis;
  }

  /** Whether so much waits for a commit that it should come before the next entry: memory must not grow until it is due. */
  get isCrowded(): boolean {
    const { series, scopes } = this;
    return scopes.isCrowded || series.pendingRows >= MAX_PENDING_ROWS || this.#ledger.hashes >= MAX_PENDING_HASHES;
  }

  /** The scopes with countable points of an entry whose state in SQL has not been put in yet; `isClean` as in {@link fold}. */
  unloadedScopes(entry: FoldableEntry, body: Uint8Array, isClean = false): readonly ScopeState[] {
    const found = new Set<ScopeState>();
    this.#begin(entry, body);
    this.#isClean = isClean;
    this.#onlyScopes = found;
    this.#options.walk(body, this);
    this.#onlyScopes = undefined;
    return [...found];
  }

  /** Puts in what SQL holds of scopes; those without a row start empty. */
  install(scopes: readonly ScopeState[], rows: readonly CounterStateRow[]): void {
    const byKey = new Map(rows.map((row) => [row.stateKey, row]));
    for (const scope of scopes) {
      if (scope.loaded) continue;
      const row = byKey.get(scope.stateKey);
      if (row) restoreScopeState(scope, row);
      scope.loaded = true;
    }
  }

  /** Puts in what the ledger knows of delta data. */
  recall(rows: readonly LedgerRow[]): void {
    for (const row of rows) recallLedgerRow(row, this.#recent);
  }

  /**
   * Folds an entry; `body` is its inflated protobuf form. All of its scopes must have been loaded. `isClean`: admission is
   * known to accept all of its points.
   */
  fold(entry: FoldableEntry, body: Uint8Array, isClean = false): void {
    this.#begin(entry, body);
    this.#isClean = isClean;
    const { counts, repeatedBody } = this.#context!;
    const leftOut = countLeftOut(counts);
    const walked = this.#options.walk(body, this);
    if (walked.kind !== "success") this.#putAside(`the body cannot be decoded: ${walked.reason}`, body);
    counts.entries++;
    // With points left out it is not known: when it is sent again, they may be taken.
    if (entry.bodyHash.length > 0 && !repeatedBody && countLeftOut(counts) === leftOut) {
      const key = bodyKey(entry.bodyHash);
      this.#recent.addBody(key, entry.receivedAtMillis);
      this.#ledger.addBody(this.#resource?.slot ?? this.#options.shard, key, entry.receivedAtMillis);
    }
    this.#newestReceivedMillis = Math.max(this.#newestReceivedMillis, entry.receivedAtMillis);
  }

  /** An entry whose body cannot even be opened: it is put aside, so that the shard goes on. */
  putAside(entry: LogEntry, reason: string): void {
    this.#begin(entry, entry.body);
    this.#putAside(reason, entry.body);
    this.counts.at(entry.receivedAtMillis).entries++;
    this.#newestReceivedMillis = Math.max(this.#newestReceivedMillis, entry.receivedAtMillis);
  }

  /** Takes what is to be committed beside the rows. */
  take(): FoldedState {
    const counterState: CounterStateRow[] = [];
    for (const scope of this.scopes.all()) {
      if (!scope.dirty) continue;
      scope.dirty = false;
      counterState.push({
        stateKey: scope.stateKey,
        slot: scope.slot,
        state: encodeScopeState(scope),
        touchedAt: Math.ceil(scope.touchedAtMillis / 1000),
      });
    }
    counterState.sort((a, b) => (a.stateKey < b.stateKey ? -1 : 1));
    return { counterState, ledger: this.#ledger.take(), quarantine: this.#quarantine.take() };
  }

  #begin(entry: FoldableEntry, body: Uint8Array): void {
    const { receivedAtMillis, bodyHash, identity } = entry;
    const birthNanos = this.#options.birthSeconds * 1e9;
    const fromBridge = identity !== undefined;
    const [receivedHigh, receivedLow] = fromBridge ? millisToNanos(receivedAtMillis) : NO_TIME;
    this.#entry = entry;
    this.#body = Buffer.from(body.buffer, body.byteOffset, body.length);
    this.#resource = undefined;
    this.#context = {
      receivedAtMillis,
      receivedHigh,
      receivedLow,
      deltaMaxAgeMillis: this.#options.deltaMaxAgeMillis,
      birthHigh: highHalf(birthNanos),
      birthLow: lowHalf(birthNanos),
      fromBridge,
      repeatedBody: bodyHash.length > 0 && this.#recent.hasBody(bodyKey(bodyHash)),
      counts: this.counts.at(receivedAtMillis),
    };
  }

  resource(body: Uint8Array, start: number, end: number, messageStart: number, messageEnd: number): void {
    this.#resourceRange = [messageStart, messageEnd];
    this.#resource = this.scopes.resource(bufferOf(body), start, end, this.#entry!.identity);
  }

  scope(body: Uint8Array, start: number, end: number): boolean {
    this.#scopeBytes = [bufferOf(body), start, end];
    const scope = this.scopes.find(this.#resource!, ...this.#scopeBytes);
    this.#scope = scope;
    this.#scopeHasNoRoom = false;
    if (this.#onlyScopes === undefined) {
      if (scope) scope.touchedAtMillis = Math.max(scope.touchedAtMillis, this.#context!.receivedAtMillis);
      return true;
    }
    if (scope && !scope.loaded) this.#onlyScopes.add(scope);
    return scope === undefined;
  }

  metric(header: MetricHeader): boolean {
    const meaning = metricMeaning(header.name);
    if (meaning === undefined || refuseMetric(header, meaning, this.#context!.fromBridge) !== undefined) return false;
    this.#parent = undefined;
    this.#header = header;
    this.#meaning = meaning;
    this.#metricRange = [header.start, header.end];
    this.#quarantined = false;
    return this.#onlyScopes === undefined || (this.#scope === undefined && !this.#scopeHasNoRoom);
  }

  point(point: PointCursor): void {
    try {
      this.#point(point);
    } catch (error) {
      // Whatever a point of foreign origin breaks must not stop the shard: its metric is kept to be looked at, once.
      if (this.#quarantined || this.#onlyScopes !== undefined) return;
      this.#quarantined = true;
      this.#putAside(messageOf(error), this.#body.subarray(...this.#metricRange));
    }
  }

  skipped(header: MetricHeader, pointCount: number): void {
    if (this.#onlyScopes !== undefined) return;
    const counts = this.#context!.counts;
    if (metricMeaning(header.name) === undefined) counts.pointsIgnored += pointCount;
    else counts.pointsRefused += pointCount;
  }

  #point(point: PointCursor): void {
    const context = this.#context!;
    const header = this.#header!;
    const refusal = this.#isClean ? undefined : refusePoint(header, this.#meaning!, point, context);
    if (refusal !== undefined) {
      if (this.#onlyScopes === undefined) countRefused(context.counts, refusal);
      return;
    }
    // NO_RECORDED_VALUE: a mark of the sender's, not a measurement.
    if ((point.flags & 1) !== 0) return;
    const scope = this.#scope ?? this.#makeScope();
    if (scope === undefined || this.#onlyScopes !== undefined) return;
    const parent = (this.#parent ??= parentOf(scope, header, this.#meaning!));
    const stream = parent.stream(point, this.#target);
    if (stream === undefined) throw new RangeError(NO_ROOM);
    if (stream.columns.values.length === 0) {
      context.counts.pointsIgnored++;
    } else if (header.temporality === "delta") {
      this.#points.delta(scope, parent, stream, header, point, context);
    } else {
      this.#points.cumulative(scope, parent, stream, header, point, context);
    }
  }

  /** Only a point that counts makes state: a sender's empty scopes are as many as it likes. */
  #makeScope(): ScopeState | undefined {
    if (this.#scopeHasNoRoom) return undefined;
    // Of an entry that is folded, all are made that there was room for.
    if (this.#onlyScopes) this.#scope = this.scopes.scope(this.#resource!, ...this.#scopeBytes);
    else this.#putAside("there is no room for another resource", this.#body.subarray(...this.#resourceRange));
    this.#scopeHasNoRoom = this.#scope === undefined;
    if (this.#scope && !this.#scope.loaded) this.#onlyScopes?.add(this.#scope);
    return this.#scope;
  }

  #target = (attributes: PlainAttributes): StreamTarget =>
    streamTarget(this.#parent!.meaning, this.#resource!.dimensions, attributes, this.series);

  #putAside(reason: string, payload: Uint8Array): void {
    const entry = this.#entry!;
    this.counts.at(entry.receivedAtMillis).quarantined++;
    this.#quarantine.add(entry, reason, payload);
  }
}
