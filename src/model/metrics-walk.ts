/**
 * The port through which the door and the fold read an `ExportMetricsServiceRequest` in protobuf form; `otlp/`
 * implements it.
 */
import type { MetricVisitor } from "./metric-visitor.ts";
import type { BodyContentType, BodyEncoding } from "./ingest-log.ts";
import type { Result } from "./result.ts";

/**
 * Walks a request and returns the number of its points. Failure `invalid` or `too_large`; what was visited before stays
 * visited.
 */
export type WalkMetrics = (body: Uint8Array, visitor: MetricVisitor) => Result<number>;

/** Turns a body as it came into the inflated protobuf form. Failure `invalid` or `too_large`. */
export type OpenBody = (
  body: Uint8Array,
  contentType: BodyContentType,
  encoding: BodyEncoding,
) => Promise<Result<Uint8Array>>;
