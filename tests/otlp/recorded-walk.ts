/** Records what a walk passes to its visitor as plain data that can be compared. */
import { canonicalAttributes, canonicalResource, canonicalScope } from "../../src/model/canonical-attributes.ts";
import type { MetricHeader, MetricVisitor } from "../../src/model/metric-visitor.ts";
import type { PointCursor } from "../../src/model/point-cursor.ts";
import { afterVarint, varintHigh, varintLow } from "../../src/model/protobuf-wire.ts";
import type { Result } from "../../src/model/result.ts";
import { walkMetrics } from "../../src/otlp/walk-metrics.ts";
import type { WalkLimits } from "../../src/otlp/walk-limits.ts";

/** What was passed, in order; bytes as hexadecimal text, 64-bit integers as bigint, doubles as themselves. */
export type WalkEvent = readonly [string, ...unknown[]];

/** A finished walk. */
export interface RecordedWalk {
  readonly result: Result<number>;
  readonly events: WalkEvent[];
}

/** Walks `body` and records. `wanted` answers for each metric. */
export function recordWalk(body: Uint8Array, wanted: boolean = true, limits?: WalkLimits): RecordedWalk {
  const events: WalkEvent[] = [];
  let kind = "none";
  const visitor: MetricVisitor = {
    resource: (bytes, start, end) => void events.push(["resource", hex(canonicalResource(bytes, start, end))]),
    scope(bytes, start, end) {
      events.push(["scope", hex(canonicalScope(bytes, start, end))]);
      return true;
    },
    metric(header) {
      kind = header.kind;
      events.push(["metric", ...headerOf(header)]);
      return wanted;
    },
    point: (point) => void events.push(["point", pointOf(kind, point)]),
    skipped: (header, points) => void events.push(["skipped", header.name, points]),
  };
  const result = limits === undefined ? walkMetrics(body, visitor) : walkMetrics(body, visitor, limits);
  return { result, events };
}

function headerOf(header: MetricHeader): unknown[] {
  return [header.name, header.unit, header.kind, header.temporality, header.monotonic];
}

function pointOf(kind: string, point: PointCursor): unknown {
  const common = {
    attributes: hex(canonicalAttributes(point.body, point.attributesStart, point.attributesEnd)),
    start: uint64(point.startHigh, point.startLow),
    time: uint64(point.timeHigh, point.timeLow),
    flags: point.flags,
  };
  if (kind === "gauge" || kind === "sum") {
    const int = BigInt.asIntN(64, (BigInt(point.intHigh) << 32n) | BigInt(point.intLow));
    return { ...common, valueKind: point.valueKind, int, double: point.double };
  }
  const counted = { ...common, count: uint64(point.countHigh, point.countLow), hasSum: point.hasSum, sum: point.sum };
  if (kind === "histogram") {
    return {
      ...counted,
      counts: fixed64s(point.bucketsBody, point.bucketCountsStart, point.bucketCountsEnd),
      bounds: doubles(point.boundsBody, point.boundsStart, point.boundsEnd),
    };
  }
  if (kind !== "exponential_histogram") return counted;
  return {
    ...counted,
    scale: point.scale,
    zeroCount: uint64(point.zeroCountHigh, point.zeroCountLow),
    zeroThreshold: point.zeroThreshold,
    offset: point.positiveOffset,
    counts: varints(point.bucketsBody, point.positiveStart, point.positiveEnd),
    hasNegative: point.hasNegative,
  };
}

/** Bytes as hexadecimal text. */
export function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}

function uint64(high: number, low: number): bigint {
  return (BigInt(high) << 32n) | BigInt(low);
}

function fixed64s(bytes: Uint8Array, start: number, end: number): bigint[] {
  const view = Buffer.from(bytes.subarray(start, end));
  return Array.from({ length: view.length / 8 }, (_, index) => view.readBigUInt64LE(index * 8));
}

function doubles(bytes: Uint8Array, start: number, end: number): number[] {
  const view = Buffer.from(bytes.subarray(start, end));
  return Array.from({ length: view.length / 8 }, (_, index) => view.readDoubleLE(index * 8));
}

function varints(bytes: Uint8Array, start: number, end: number): bigint[] {
  const values: bigint[] = [];
  for (let position = start; position < end; position = afterVarint(bytes, position, end)) {
    values.push(uint64(varintHigh(bytes, position), varintLow(bytes, position)));
  }
  return values;
}
