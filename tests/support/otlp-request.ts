/**
 * Makes OTLP requests for tests, encoded by protobufjs, which shares no code with our reader.
 */
import { RequestType } from "../otlp/otlp-proto.ts";

/** Attributes of a resource or point. */
export type TestAttributes = Readonly<Record<string, string | number | boolean>>;

/** A point of a sum. Times are nanoseconds. */
export interface TestNumberPoint {
  readonly attributes?: TestAttributes;
  readonly start?: bigint;
  readonly time: bigint;
  readonly value: bigint | number;
  readonly flags?: number;
}

/** A point of an explicit histogram. */
export interface TestHistogramPoint {
  readonly attributes?: TestAttributes;
  readonly start?: bigint;
  readonly time: bigint;
  readonly count: bigint;
  readonly sum?: number;
  readonly bucketCounts?: readonly bigint[];
  readonly bounds?: readonly number[];
}

/** A point of an exponential histogram. */
export interface TestExponentialPoint {
  readonly attributes?: TestAttributes;
  readonly start?: bigint;
  readonly time: bigint;
  readonly count: bigint;
  readonly sum?: number;
  readonly scale: number;
  readonly zeroCount?: bigint;
  readonly offset: number;
  readonly bucketCounts: readonly bigint[];
}

/** One metric. */
export interface TestMetric {
  readonly name: string;
  readonly unit?: string;
  readonly temporality?: "delta" | "cumulative" | "unspecified";
  readonly sum?: readonly TestNumberPoint[];
  readonly nonMonotonic?: boolean;
  readonly gauge?: readonly TestNumberPoint[];
  readonly histogram?: readonly TestHistogramPoint[];
  readonly exponential?: readonly TestExponentialPoint[];
}

/** One resource with one scope. */
export interface TestResource {
  readonly attributes?: TestAttributes;
  readonly scope?: string;
  readonly metrics: readonly TestMetric[];
}

const TEMPORALITIES = { unspecified: 0, delta: 1, cumulative: 2 } as const;

/** Encodes a request. */
export function otlpRequest(resources: readonly TestResource[]): Uint8Array {
  const resourceMetrics = resources.map(({ attributes, scope, metrics }) => ({
    resource: { attributes: keyValues({ "service.name": "shop", ...attributes }) },
    scopeMetrics: [{ scope: { name: scope ?? "test" }, metrics: metrics.map(metric) }],
  }));
  return RequestType.encode(RequestType.fromObject({ resourceMetrics })).finish();
}

function metric({ name, unit, temporality, nonMonotonic, ...data }: TestMetric): object {
  const aggregationTemporality = TEMPORALITIES[temporality ?? "cumulative"];
  const head = { name, unit: unit ?? "" };
  if (data.sum) {
    return {
      ...head,
      sum: { aggregationTemporality, isMonotonic: !nonMonotonic, dataPoints: data.sum.map(numberPoint) },
    };
  }
  if (data.gauge) return { ...head, gauge: { dataPoints: data.gauge.map(numberPoint) } };
  if (data.histogram)
    return { ...head, histogram: { aggregationTemporality, dataPoints: data.histogram.map(histogram) } };
  return {
    ...head,
    exponentialHistogram: { aggregationTemporality, dataPoints: (data.exponential ?? []).map(exponential) },
  };
}

function common(point: { attributes?: TestAttributes; start?: bigint; time: bigint }): object {
  return {
    attributes: keyValues(point.attributes ?? {}),
    startTimeUnixNano: String(point.start ?? 0n),
    timeUnixNano: String(point.time),
  };
}

function numberPoint(point: TestNumberPoint): object {
  const value = typeof point.value === "bigint" ? { asInt: String(point.value) } : { asDouble: point.value };
  return { ...common(point), ...value, flags: point.flags ?? 0 };
}

function histogram(point: TestHistogramPoint): object {
  return {
    ...common(point),
    count: String(point.count),
    ...(point.sum === undefined ? {} : { sum: point.sum }),
    bucketCounts: (point.bucketCounts ?? []).map(String),
    explicitBounds: [...(point.bounds ?? [])],
  };
}

function exponential(point: TestExponentialPoint): object {
  return {
    ...common(point),
    count: String(point.count),
    ...(point.sum === undefined ? {} : { sum: point.sum }),
    scale: point.scale,
    zeroCount: String(point.zeroCount ?? 0n),
    positive: { offset: point.offset, bucketCounts: point.bucketCounts.map(String) },
  };
}

function keyValues(attributes: TestAttributes): object[] {
  return Object.entries(attributes).map(([key, value]) => ({
    key,
    value:
      typeof value === "string"
        ? { stringValue: value }
        : typeof value === "boolean"
          ? { boolValue: value }
          : Number.isInteger(value)
            ? { intValue: value }
            : { doubleValue: value },
  }));
}
