/**
 * Percentiles as the live view tells them. Pure.
 */
import { percentile } from "../model/latency-histogram.ts";
import type { LatencyHistogramJson } from "../model/latency-histogram.ts";

/** Percentiles in seconds; null where there was no observation. */
export interface LivePercentiles {
  readonly p50: number | null;
  readonly p95: number | null;
  readonly p99: number | null;
}

/** The percentiles of observations that are already in one histogram. */
export function percentilesOf(latency: LatencyHistogramJson): LivePercentiles {
  return {
    p50: percentile(latency, 0.5) ?? null,
    p95: percentile(latency, 0.95) ?? null,
    p99: percentile(latency, 0.99) ?? null,
  };
}
