/**
 * The fold's heart: what one point adds to the totals. Cumulative points by their difference to what was last seen of the
 * same stream and start, delta points once each.
 */
import { MAX_INCREMENT, type AdmissionContext } from "../model/admission.ts";
import type { MetricHeader } from "../model/metric-visitor.ts";
import { rollupPosition } from "../model/rollup-columns.ts";
import type { PointCursor } from "../model/point-cursor.ts";
import type { RelayPrices } from "../model/relay-prices.ts";
import { comparePairs, nanosToMillis, pairDifference, pairToNumber } from "../model/uint64.ts";
import type { Counter } from "./counter.ts";
import { deltaHash, type DeltaHash } from "./delta-hash.ts";
import type { MutableReceiverCounts } from "./fold-counts.ts";
import { foldLatency } from "./latency-state.ts";
import { readValue, valueStep, type PointValue } from "./point-value.ts";
import type { RecentDeltas } from "./recent-deltas.ts";
import type { ScopeState } from "./scopes.ts";
import { addToRow, type MinuteRow, type SeriesTable } from "./series-table.ts";
import type { Parent, Stream } from "./streams.ts";

/** What a point is folded in the light of. Streams from the bridge count in full. */
export interface FoldContext extends AdmissionContext {
  /** Start of what counts in full, nanoseconds, halves. */
  readonly birthHigh: number;
  readonly birthLow: number;
  /** The receive time, nanoseconds, halves. */
  readonly receivedHigh: number;
  readonly receivedLow: number;
  /** Whether the very same body was folded before, all of it: its delta points are repeated. */
  readonly repeatedBody: boolean;
  readonly counts: MutableReceiverCounts;
}

const RELAY_SECONDS = rollupPosition("relay_seconds");
const RELAY_BYTES = rollupPosition("relay_bytes");
const RELAY_COST = rollupPosition("relay_cost_nanos");

/** A step that costs more than this (nine million) is not credible, whatever the price: it is a fault, not a bill. */
const MAX_COST_NANOS = Number.MAX_SAFE_INTEGER;

/** What is folded of a point beside its totals. */
export interface PointFoldOptions {
  readonly series: SeriesTable;
  readonly recent: RecentDeltas;
  readonly prices: RelayPrices;
  /** Called for each delta point that was accepted, so that the ledger of its slot can tell. */
  readonly accepted: (slot: number, hash: DeltaHash, pointMillis: number) => void;
}

/** Folds points, one after the other. */
export class PointFold {
  readonly #options: PointFoldOptions;
  readonly #value: PointValue = { count: 0, high: 0, low: 0, seconds: 0 };
  readonly #hash: DeltaHash = { high: 0, low: 0 };

  constructor(options: PointFoldOptions) {
    this.#options = options;
  }

  /** Folds a cumulative point that admission accepted. Throws when there is no room for what must be remembered of it. */
  cumulative(
    scope: ScopeState,
    parent: Parent,
    stream: Stream,
    header: MetricHeader,
    point: PointCursor,
    context: FoldContext,
  ): void {
    readValue(header, parent.meaning, point, this.#value);
    const { startHigh, startLow } = point;
    const known = stream.counters.find(startHigh, startLow);
    if (known === undefined) {
      this.#first(scope, parent, stream, header, point, context);
      return;
    }
    if (scope.size.isFull && needsRoom(parent, point, known)) throw new RangeError(NO_ROOM);
    scope.dirty = true;
    if (this.#isContained(parent, known, point, context)) {
      // Only an earlier point says something new of when its start was first seen.
      parent.history.note(point, context);
      // A late or repeated point: what it tells is contained in what was folded.
      context.counts.pointsDuplicate++;
      return;
    }
    // Without a start time a decrease can only be a restart; with one it is a fault of the sender.
    const restarted = startHigh === 0 && startLow === 0 && this.#decreased(parent, known);
    this.#step(scope, parent, stream, header, restarted ? undefined : known, known, true, point, context);
  }

  /** The first point of a stream and start, as far as is known. */
  #first(
    scope: ScopeState,
    parent: Parent,
    stream: Stream,
    header: MetricHeader,
    point: PointCursor,
    context: FoldContext,
  ): void {
    const { startHigh, startLow } = point;
    const { counters } = stream;
    const gone = counters.makesWay(context.receivedAtMillis);
    if (scope.size.isFull && needsRoom(parent, point, gone)) throw new RangeError(NO_ROOM);
    const wasForgotten = counters.forgot(startHigh, startLow);
    // Taking turns, more writers than there is room for would lose all: those that are there go on.
    if (wasForgotten && gone && !gone.isDead(context.receivedAtMillis)) throw new RangeError(FORGOTTEN_START);
    scope.dirty = true;
    const inFull = !wasForgotten && countsInFull(scope, parent, point, context);
    parent.history.note(point, context);
    const counter = counters.add(startHigh, startLow, gone);
    if (!inFull) context.counts.pointsBaseline++;
    this.#step(scope, parent, stream, header, undefined, counter, inFull, point, context);
    // What follows is counted again; what was between cannot be told.
    if (wasForgotten) throw new RangeError(FORGOTTEN_START);
  }

  /**
   * Folds a delta point that admission accepted. Throws when too much was received lately to tell whether it is a
   * repetition: its metric belongs in quarantine.
   */
  delta(
    scope: ScopeState,
    parent: Parent,
    stream: Stream,
    header: MetricHeader,
    point: PointCursor,
    context: FoldContext,
  ): void {
    readValue(header, parent.meaning, point, this.#value);
    deltaHash(stream, point, this.#value, this.#hash);
    const { recent, accepted } = this.#options;
    if (context.repeatedBody || recent.hasPoint(this.#hash.high, this.#hash.low)) {
      context.counts.pointsDuplicate++;
      return;
    }
    const pointMillis = nanosToMillis(point.timeHigh, point.timeLow);
    if (pointMillis <= recent.forgottenThroughMillis) {
      throw new RangeError("a delta point is as old as accepted ones that were forgotten: it may be a repetition");
    }
    recent.addPoint(this.#hash.high, this.#hash.low, context.receivedAtMillis, pointMillis);
    accepted(scope.slot, this.#hash, pointMillis);
    this.#step(scope, parent, stream, header, undefined, undefined, true, point, context);
  }

  /**
   * Whether what was folded contains the point: it is no newer. The clock of a page may have been set back meanwhile, so of
   * its points the value tells: it grows as long as the start is the same.
   */
  #isContained(
    parent: Parent,
    known: Counter,
    { timeHigh, timeLow }: PointCursor,
    { fromBridge }: FoldContext,
  ): boolean {
    if (!fromBridge) return comparePairs(timeHigh, timeLow, known.timeHigh, known.timeLow) <= 0;
    return this.#value.count <= known.count && valueStep(parent.meaning, this.#value, known) <= 0;
  }

  #decreased(parent: Parent, known: Counter): boolean {
    return valueStep(parent.meaning, this.#value, known) < 0 || this.#value.count < known.count;
  }

  /**
   * Adds what the point shows since `before` if it counts and is credible, and brings `counter`, if the stream is
   * cumulative, up to it: a point that does not count sets the baseline.
   */
  #step(
    scope: ScopeState,
    parent: Parent,
    stream: Stream,
    header: MetricHeader,
    before: Counter | undefined,
    counter: Counter | undefined,
    counts: boolean,
    point: PointCursor,
    context: FoldContext,
  ): void {
    const count = this.#value.count - (before === undefined ? 0 : before.count);
    const amount = valueStep(parent.meaning, this.#value, before);
    const cost = parent.meaning.protocol === "webrtc" ? this.#relayCost(stream.columns.values, amount, before) : 0;
    const isCredible =
      count >= 0 && amount >= 0 && count <= MAX_INCREMENT && amount <= MAX_INCREMENT && cost <= MAX_COST_NANOS;
    let row: MinuteRow | undefined;
    if (counts && isCredible) {
      context.counts.points++;
      row = this.#add(stream, count, amount, cost, point, context);
      note(stream, count, amount, before, point, context);
    } else if (counts) {
      context.counts.pointsFaulty++;
    }
    if (parent.meaning.keepsBuckets) {
      const observations = row === undefined ? 0 : count;
      const mean = count > 0 ? amount / count : 0;
      const latency = foldLatency(header, point, parent.boundsOf, before?.latency, observations, mean, row?.latency);
      if (counter !== undefined && counter.latency !== latency) {
        scope.size.addBuckets((latency?.counts.length ?? 0) - (counter.latency?.counts.length ?? 0));
        counter.latency = latency;
      }
    }
    if (counter === undefined) return;
    if (context.fromBridge) counter.set(context.receivedHigh, context.receivedLow, this.#value);
    else counter.set(point.timeHigh, point.timeLow, this.#value);
  }

  /** Adds to the columns; the row, unless there is nothing to add. */
  #add(
    stream: Stream,
    count: number,
    amount: number,
    cost: number,
    point: PointCursor,
    context: FoldContext,
  ): MinuteRow | undefined {
    if (stream.series.evicted) stream.series = this.#options.series.series(stream.dimensions);
    const { series } = stream;
    if (series.touchedAtMillis < context.receivedAtMillis) series.touchedAtMillis = context.receivedAtMillis;
    if (series.isOverflow) context.counts.pointsOverflow++;
    if (count === 0 && amount === 0) return undefined;
    const atMillis = context.fromBridge ? context.receivedAtMillis : nanosToMillis(point.timeHigh, point.timeLow);
    const minute = Math.floor(atMillis / 60_000) * 60;
    const row = this.#options.series.row(series, minute);
    const { counts, values } = stream.columns;
    for (let at = 0; at < counts.length; at++) addToRow(row, counts[at]!, count);
    for (let at = 0; at < values.length; at++) addToRow(row, values[at]!, amount);
    if (cost > 0) addToRow(row, RELAY_COST, cost);
    return row;
  }

  /**
   * What a step of a stream costs, whole billionths; 0 when nothing of it was relayed. It is the price of all that the counter
   * shows without that of what it showed before: rounding the steps would make an hour of them cost more or less than an hour.
   */
  #relayCost(columns: readonly number[], amount: number, before: Counter | undefined): number {
    const { nanosPerUserHour, nanosPerGigabyte } = this.#options.prices;
    const earlier = before === undefined ? 0 : pairToNumber(before.valueHigh, before.valueLow);
    let cost = 0;
    for (const column of columns) {
      if (column === RELAY_SECONDS) cost += stepCost(earlier, amount, nanosPerUserHour, 3_600_000);
      else if (column === RELAY_BYTES) cost += stepCost(earlier, amount, nanosPerGigabyte, 1e9);
    }
    return cost;
  }
}

function stepCost(earlier: number, amount: number, nanos: number, perAmount: number): number {
  return Math.round(((earlier + amount) * nanos) / perAmount) - Math.round((earlier * nanos) / perAmount);
}

/** What is told of points for which a shard has no room. */
export const NO_ROOM = "there is no room for more streams, starts or buckets";

/** What is told of a point whose start may be one that was forgotten. */
export const FORGOTTEN_START = "a stream has had too many starts: what was counted of one as old as this is forgotten";

/** Whether more must be remembered after a point than before it; `held`: the counter that it has, or takes the place of. */
function needsRoom(parent: Parent, point: PointCursor, held: Counter | undefined): boolean {
  if (held === undefined) return true;
  if (!parent.meaning.keepsBuckets) return false;
  // A packed count takes a byte at least: there are no more of them than bytes.
  const buckets = (point.bucketCountsEnd - point.bucketCountsStart) / 8 + point.positiveEnd - point.positiveStart;
  return buckets > (held.latency?.counts.length ?? 0);
}

/** Whether the first point of a stream and start counts in full; else its value is the baseline of what follows. */
function countsInFull(scope: ScopeState, parent: Parent, point: PointCursor, context: FoldContext): boolean {
  const { startHigh, startLow, timeHigh, timeLow } = point;
  if (startHigh === 0 && startLow === 0) return false;
  if (comparePairs(startHigh, startLow, scope.forgottenHigh, scope.forgottenLow) <= 0) return false;
  if (context.fromBridge) return true;
  if (startHigh === timeHigh && startLow === timeLow) return false;
  if (comparePairs(startHigh, startLow, context.birthHigh, context.birthLow) >= 0) return true;
  return parent.history.follows(point);
}

/** The shortest and longest interval that a rate is taken over. */
const MIN_INTERVAL_MILLIS = 1000;
const MAX_INTERVAL_MILLIS = 120_000;

/** Notes the increase for the live view. */
function note(
  stream: Stream,
  count: number,
  amount: number,
  before: Counter | undefined,
  point: PointCursor,
  context: FoldContext,
): void {
  const elapsed = nanosSince(before, point, context) / 1e6;
  const interval = Math.min(Math.max(elapsed, MIN_INTERVAL_MILLIS), MAX_INTERVAL_MILLIS);
  stream.live.set(count, amount, interval, context.receivedAtMillis);
}

/** Nanoseconds since the point before, or since the start of the stream; those of a page's clock only where both ends are its own. */
function nanosSince(before: Counter | undefined, point: PointCursor, context: FoldContext): number {
  const { startHigh, startLow, timeHigh, timeLow } = point;
  if (before === undefined) return pairDifference(timeHigh, timeLow, startHigh, startLow);
  if (!context.fromBridge) return pairDifference(timeHigh, timeLow, before.timeHigh, before.timeLow);
  return pairDifference(context.receivedHigh, context.receivedLow, before.timeHigh, before.timeLow);
}
