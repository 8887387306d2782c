/**
 * How decoded OTLP metrics reach whoever needs them (the door, the fold): a walk over one
 * `ExportMetricsServiceRequest` in protobuf form that calls a visitor and allocates nothing a point. Attributes stay
 * byte ranges of the body until someone asks for them.
 */
import type { PointCursor } from "./point-cursor.ts";

/** The data of a metric, by the `oneof` of `opentelemetry.proto.metrics.v1.Metric`. */
export type MetricKind = "gauge" | "sum" | "histogram" | "exponential_histogram" | "summary" | "none";

/** `AggregationTemporality`. */
export type Temporality = "unspecified" | "delta" | "cumulative";

/** The part of a metric that is the same for all of its points. Valid only during the call that passes it. */
export interface MetricHeader {
  readonly name: string;
  readonly unit: string;
  readonly kind: MetricKind;
  readonly temporality: Temporality;
  /** `is_monotonic` of a sum; true for histograms. */
  readonly monotonic: boolean;
  /** Range of the encoded `Metric` message in the body, without its tag and length. */
  readonly start: number;
  readonly end: number;
}

/**
 * What a walk calls, in the order of the message: `resource`, then for each scope `scope`, then for each metric `metric`,
 * then `point` for each of its points if `metric` returned true. The resource and the scope are passed before their
 * metrics, the temporality before the points, whatever the order of the fields on the wire.
 */
export interface MetricVisitor {
  /**
   * A `ResourceMetrics`: the range of its `Resource` message (without tag and length; empty when absent) and the range
   * of the whole `ResourceMetrics` with its tag and length, which can be copied to make a smaller request.
   */
  resource(body: Uint8Array, start: number, end: number, messageStart: number, messageEnd: number): void;
  /**
   * A `ScopeMetrics`: the range of its `InstrumentationScope` message, empty when absent. False: its metrics are skipped
   * unread, for a walk that only asks who sent what.
   */
  scope(body: Uint8Array, start: number, end: number): boolean;
  /** A metric. True: its points are wanted. False: they are decoded for validity and counted, but not passed. */
  metric(header: MetricHeader): boolean;
  /** A wanted point; the cursor is used again for the next one. */
  point(point: PointCursor): void;
  /** The end of a metric whose points were not wanted, with their number. */
  skipped(header: MetricHeader, pointCount: number): void;
}
