/**
 * Fold, inside: the packed form of a scope's counter state, one row of `counter_state`.
 */
import { MAX_POINT_LEAD_MILLIS } from "../model/admission.ts";
import { metricMeaning } from "../model/metric-meaning.ts";
import type { CounterStateRow } from "../model/rollup-store.ts";
import { highHalf, lowHalf } from "../model/uint64.ts";
import { ByteReader, ByteWriter } from "./byte-buffer.ts";
import type { CounterSet } from "./counter.ts";
import type { ExplicitBounds } from "./latency-parts.ts";
import type { LatencyState } from "./latency-state.ts";
import type { ScopeState } from "./scopes.ts";
import { Parent } from "./streams.ts";

const VERSION = 1;
const NO_BUCKETS = 0;
const EXPLICIT = 1;
const EXPONENTIAL = 2;

/** The state of a scope, packed. */
export function encodeScopeState(scope: ScopeState): Uint8Array {
  const writer = new ByteWriter();
  writer.uint8(VERSION);
  writer.uint32(scope.forgottenHigh);
  writer.uint32(scope.forgottenLow);
  for (const parent of scope.parents.values()) {
    if (parent.counters.size > 0) writeParent(writer, parent);
  }
  return writer.finish();
}

/** Puts packed state into a scope that holds none yet. Throws when the bytes are not of this form. */
export function decodeScopeState(scope: ScopeState, bytes: Uint8Array): void {
  const reader = new ByteReader(bytes);
  const version = reader.uint8();
  if (version !== VERSION) throw new RangeError(`counter state has version ${version}, expected ${VERSION}`);
  scope.forgottenHigh = reader.uint32();
  scope.forgottenLow = reader.uint32();
  while (!reader.done) readParent(reader, scope);
}

/** Puts in what SQL holds of a scope that holds nothing yet. Throws as {@link decodeScopeState}. */
export function restoreScopeState(scope: ScopeState, row: CounterStateRow): void {
  if (row.state.length > 0) {
    decodeScopeState(scope, row.state);
    return;
  }
  // Forgotten for its age: a stream that is not newer than its last sign of life comes back as a baseline.
  const nanos = (row.touchedAt + MAX_POINT_LEAD_MILLIS / 1000) * 1e9;
  scope.forgottenHigh = highHalf(nanos);
  scope.forgottenLow = lowHalf(nanos);
}

function writeParent(writer: ByteWriter, parent: Parent): void {
  writer.sized(Buffer.from(parent.key));
  writer.varint(parent.history.seen.length);
  for (const { startHigh, startLow, timeHigh, timeLow } of parent.history.seen) {
    for (const half of [startHigh, startLow, timeHigh, timeLow]) writer.uint32(half);
  }
  const bounds = boundsIn(parent);
  writer.varint(bounds.length);
  for (const { wire } of bounds) writer.sized(wire.bytes());
  writer.varint(parent.counters.size);
  for (const [key, set] of parent.counters) writeCounterSet(writer, key, set, bounds);
}

function boundsIn(parent: Parent): ExplicitBounds[] {
  const bounds = new Set<ExplicitBounds>();
  for (const { counters } of parent.counters.values()) {
    for (const { latency } of counters) if (latency?.kind === "explicit") bounds.add(latency.bounds);
  }
  return [...bounds];
}

function writeCounterSet(writer: ByteWriter, key: string, set: CounterSet, bounds: readonly ExplicitBounds[]): void {
  writer.bytes(Buffer.from(key, "hex"));
  writer.uint32(set.forgottenHigh);
  writer.uint32(set.forgottenLow);
  writer.varint(set.counters.length);
  for (const counter of set.counters) {
    for (const half of [counter.startHigh, counter.startLow, counter.timeHigh, counter.timeLow]) writer.uint32(half);
    writer.varint(counter.count);
    writer.uint32(counter.valueHigh);
    writer.uint32(counter.valueLow);
    writer.float64(counter.seconds);
    writeLatency(writer, counter.latency, bounds);
  }
}

function writeLatency(writer: ByteWriter, latency: LatencyState | undefined, bounds: readonly ExplicitBounds[]): void {
  if (latency === undefined) {
    writer.uint8(NO_BUCKETS);
    return;
  }
  if (latency.kind === "explicit") {
    writer.uint8(EXPLICIT);
    writer.varint(bounds.indexOf(latency.bounds));
  } else {
    writer.uint8(EXPONENTIAL);
    writer.int32(latency.scale);
    writer.varint(latency.zeroCount);
    writer.int32(latency.offset);
  }
  writer.varint(latency.counts.length);
  for (const count of latency.counts) writer.varint(count);
}

function readParent(reader: ByteReader, scope: ScopeState): void {
  const key = Buffer.from(reader.sized()).toString();
  const meaning = metricMeaning(key.slice(0, key.indexOf("|")));
  // A metric that a later version no longer counts: what was written of it is read past and forgotten.
  const parent = new Parent(key, meaning ?? metricMeaning("http.server.request.duration")!, scope);
  for (let left = reader.varint(); left > 0; left--) {
    const [startHigh, startLow, timeHigh, timeLow] = [
      reader.uint32(),
      reader.uint32(),
      reader.uint32(),
      reader.uint32(),
    ];
    parent.history.restore({ startHigh, startLow, timeHigh, timeLow });
  }
  const bounds: ExplicitBounds[] = [];
  for (let left = reader.varint(); left > 0; left--) {
    bounds.push(parent.addBounds(reader.sized()));
  }
  for (let left = reader.varint(); left > 0; left--) {
    const streamKey = Buffer.from(reader.bytes(16)).toString("hex");
    readCounterSet(reader, parent.countersOf(streamKey), bounds, scope);
  }
  if (meaning) scope.parents.set(key, parent);
}

function readCounterSet(
  reader: ByteReader,
  set: CounterSet,
  bounds: readonly ExplicitBounds[],
  { size }: ScopeState,
): void {
  set.forgottenHigh = reader.uint32();
  set.forgottenLow = reader.uint32();
  for (let left = reader.varint(); left > 0; left--) {
    const counter = set.add(reader.uint32(), reader.uint32());
    const [timeHigh, timeLow, count] = [reader.uint32(), reader.uint32(), reader.varint()];
    const [high, low, seconds] = [reader.uint32(), reader.uint32(), reader.float64()];
    counter.set(timeHigh, timeLow, { count, high, low, seconds });
    counter.latency = readLatency(reader, bounds);
    size.addBuckets(counter.latency?.counts.length ?? 0);
  }
}

function readLatency(reader: ByteReader, bounds: readonly ExplicitBounds[]): LatencyState | undefined {
  const kind = reader.uint8();
  if (kind === NO_BUCKETS) return undefined;
  if (kind === EXPLICIT) {
    const known = bounds[reader.varint()];
    const counts = readCounts(reader);
    if (!known) throw new RangeError("counter state names bounds that it does not hold");
    return { kind: "explicit", bounds: known, counts };
  }
  const [scale, zeroCount, offset] = [reader.int32(), reader.varint(), reader.int32()];
  return { kind: "exponential", scale, zeroCount, offset, counts: readCounts(reader) };
}

function readCounts(reader: ByteReader): Float64Array {
  const counts = new Float64Array(reader.varint());
  for (let place = 0; place < counts.length; place++) counts[place] = reader.varint();
  return counts;
}
