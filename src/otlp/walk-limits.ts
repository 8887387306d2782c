/** The limits of a walk over one request: what it costs to decode is bounded before anything is read. */

/** Limits on one `ExportMetricsServiceRequest`. */
export interface WalkLimits {
  /** Data points in the request; more is `too_large`. */
  readonly maxPoints: number;
  /** `ResourceMetrics`, `ScopeMetrics` and `Metric` messages in the request, empty ones too; more is `too_large`. */
  readonly maxResources: number;
  readonly maxScopes: number;
  readonly maxMetrics: number;
  /** Messages inside messages, the request itself not counted; more is `invalid`. Values take two levels an array. */
  readonly maxDepth: number;
  /** Attributes of one point, resource or scope; more is `too_large`. */
  readonly maxAttributes: number;
}

/** Generous for any exporter, small enough that no request can exhaust memory or stack. */
export const DEFAULT_WALK_LIMITS: WalkLimits = {
  maxPoints: 250_000,
  maxResources: 50_000,
  maxScopes: 100_000,
  maxMetrics: 250_000,
  maxDepth: 32,
  maxAttributes: 1024,
};
