/** What a walk must pass for a request, computed from what protobufjs decodes: the oracle. */
import type Long from "long";

import { hex, type WalkEvent } from "./recorded-walk.ts";
import { RequestType } from "./otlp-proto.ts";

// oxlint-disable typescript/no-explicit-any -- protobufjs messages are untyped.
type Message = any;

/** The events for `body`, decoded by protobufjs. */
export function expectedEvents(body: Uint8Array): WalkEvent[] {
  const request: Message = RequestType.decode(body);
  const events: WalkEvent[] = [];
  for (const resourceMetrics of request.resourceMetrics) {
    events.push(["resource", hex(canonicalSet(resourceMetrics.resource?.attributes ?? []))]);
    for (const scopeMetrics of resourceMetrics.scopeMetrics) {
      events.push(["scope", hex(canonicalScope(scopeMetrics.scope))]);
      for (const metric of scopeMetrics.metrics) pushMetric(events, metric);
    }
  }
  return events;
}

const KINDS = {
  gauge: "gauge",
  sum: "sum",
  histogram: "histogram",
  exponentialHistogram: "exponential_histogram",
  summary: "summary",
} as const;

function pushMetric(events: WalkEvent[], metric: Message): void {
  const member = metric.data as keyof typeof KINDS | undefined;
  const data = member === undefined ? undefined : metric[member];
  const temporality = ["unspecified", "delta", "cumulative"][data?.aggregationTemporality ?? 0];
  const isHistogram = member === "histogram" || member === "exponentialHistogram";
  const kind = member === undefined ? "none" : KINDS[member];
  events.push(["metric", metric.name, metric.unit, kind, temporality, isHistogram || (data?.isMonotonic ?? false)]);
  for (const point of data?.dataPoints ?? []) events.push(["point", pointOf(kind, point)]);
}

function pointOf(kind: string, point: Message): unknown {
  const common = {
    attributes: hex(canonicalSet(point.attributes)),
    start: big(point.startTimeUnixNano),
    time: big(point.timeUnixNano),
    flags: point.flags,
  };
  if (kind === "gauge" || kind === "sum") {
    const valueKind = point.value === "asInt" ? "int" : point.value === "asDouble" ? "double" : "none";
    const int = valueKind === "int" ? big(point.asInt) : 0n;
    return { ...common, valueKind, int, double: valueKind === "double" ? point.asDouble : 0 };
  }
  const hasSum = Object.hasOwn(point, "sum") && point.sum !== null;
  const counted = { ...common, count: big(point.count), hasSum, sum: hasSum ? point.sum : 0 };
  if (kind === "histogram")
    return { ...counted, counts: point.bucketCounts.map(big), bounds: [...point.explicitBounds] };
  if (kind !== "exponential_histogram") return counted;
  return {
    ...counted,
    scale: point.scale,
    zeroCount: big(point.zeroCount),
    zeroThreshold: point.zeroThreshold,
    offset: point.positive?.offset ?? 0,
    counts: (point.positive?.bucketCounts ?? []).map(big),
    hasNegative: (point.negative?.bucketCounts ?? []).some((count: Long) => !count.isZero()),
  };
}

function big(value: Long): bigint {
  return BigInt(value.toString());
}

function canonicalScope(scope: Message): Buffer {
  return Buffer.concat([
    framed(scope?.name ?? ""),
    framed(scope?.version ?? ""),
    canonicalSet(scope?.attributes ?? []),
  ]);
}

/** The canonical form as its documentation tells it, written a second time. */
function canonicalSet(attributes: Message[]): Buffer {
  const byKey = new Map<string, Message>(attributes.map(({ key, value }) => [key, value]));
  const keys = [...byKey.keys()].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  return Buffer.concat([uint32(keys.length), ...keys.flatMap((key) => [framed(key), canonicalValue(byKey.get(key))])]);
}

function canonicalValue(value: Message): Buffer {
  switch (value?.value) {
    case "stringValue":
      return Buffer.concat([Buffer.of(1), framed(value.stringValue)]);
    case "boolValue":
      return Buffer.of(2, value.boolValue ? 1 : 0);
    case "intValue": {
      const bytes = Buffer.alloc(8);
      bytes.writeBigInt64LE(big(value.intValue));
      return Buffer.concat([Buffer.of(3), bytes]);
    }
    case "doubleValue": {
      const bytes = Buffer.alloc(8);
      bytes.writeDoubleLE(value.doubleValue);
      return Buffer.concat([Buffer.of(4), bytes]);
    }
    case "arrayValue": {
      const { values } = value.arrayValue;
      return Buffer.concat([Buffer.of(5), uint32(values.length), ...values.map(canonicalValue)]);
    }
    case "kvlistValue":
      return Buffer.concat([Buffer.of(6), canonicalSet(value.kvlistValue.values)]);
    case "bytesValue":
      return Buffer.concat([Buffer.of(7), uint32(value.bytesValue.length), value.bytesValue]);
    default:
      return Buffer.of(0);
  }
}

function framed(text: string): Buffer {
  const bytes = Buffer.from(text);
  return Buffer.concat([uint32(bytes.length), bytes]);
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}
