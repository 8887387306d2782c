/** What an export of the page side holds, read by the receiver's own decoder's reference. */
import { walkMetrics } from "../../src/otlp/walk-metrics.ts";
import { RequestType } from "../otlp/otlp-proto.ts";

interface DecodedPoint {
  readonly startTimeUnixNano?: string;
  readonly attributes?: readonly { key: string; value: Record<string, unknown> }[];
  readonly asDouble?: number;
  readonly asInt?: string;
  readonly count?: string;
  readonly sum?: number;
}

interface DecodedMetric {
  readonly name: string;
  readonly sum?: { dataPoints: DecodedPoint[]; aggregationTemporality: string; isMonotonic: boolean };
  readonly exponentialHistogram?: { dataPoints: DecodedPoint[]; aggregationTemporality: string };
}

/**
 * Every series of an export by `name{attribute=value,…}`: a counter's value, a histogram's count. Fails on a bad body.
 * `byStart`: followed by `@` and the start, for series that began more than once.
 */
export function exportedSeries(body: Uint8Array, byStart = false): Map<string, number> {
  const walked = walkMetrics(body, {
    resource() {},
    scope: () => true,
    metric: () => true,
    point() {},
    skipped() {},
  });
  if (walked.kind !== "success") throw new Error(walked.reason);
  const { resourceMetrics } = RequestType.toObject(RequestType.decode(body), { longs: String, enums: String }) as {
    resourceMetrics: { scopeMetrics: { metrics: DecodedMetric[] }[] }[];
  };
  const series = new Map<string, number>();
  for (const metric of resourceMetrics.flatMap((one) => one.scopeMetrics.flatMap((scope) => scope.metrics))) {
    for (const point of (metric.sum ?? metric.exponentialHistogram)?.dataPoints ?? []) {
      const attributes = (point.attributes ?? []).map(({ key, value }) => `${key}=${String(Object.values(value)[0])}`);
      const key = `${metric.name}{${attributes.sort().join(",")}}`;
      const value = Number(point.asDouble ?? point.asInt ?? point.count);
      series.set(byStart ? `${key}@${point.startTimeUnixNano}` : key, value);
    }
  }
  return series;
}
