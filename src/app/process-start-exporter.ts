/**
 * Sits before the OTLP exporter and gives cumulative points the process's start. The SDK starts a point at its first
 * measurement; one that is made while a collection runs would start at or after its own time, which a receiver must take
 * as a baseline: its bytes would be lost.
 */

import type { HrTime } from "@opentelemetry/api";
import {
  AggregationTemporality,
  DataPointType,
  type MetricData,
  type PushMetricExporter,
  type ResourceMetrics,
} from "@opentelemetry/sdk-metrics";

/** Scopes whose sums are synchronous: they begin at 0 with the process and never go back. */
const OWN_SCOPE = "otel-bandwidth/http";

/** Exports what it gets, with start times set. */
export class ProcessStartExporter implements PushMetricExporter {
  readonly #exporter: PushMetricExporter;
  readonly #start: HrTime;

  /** `startMillis` is the process's start, milliseconds since the Unix epoch. */
  constructor(exporter: PushMetricExporter, startMillis: number = performance.timeOrigin) {
    this.#exporter = exporter;
    const wholeMillis = Math.floor(startMillis);
    this.#start = [Math.floor(wholeMillis / 1000), (wholeMillis % 1000) * 1_000_000];
  }

  /** Exports `resourceMetrics`; failures are told to `callback`. */
  export(resourceMetrics: ResourceMetrics, callback: Parameters<PushMetricExporter["export"]>[1]): void {
    const scopeMetrics = resourceMetrics.scopeMetrics.map(({ scope, metrics }) => ({
      scope,
      metrics: metrics.map((metric) => this.#withStart(metric, scope.name)),
    }));
    this.#exporter.export({ ...resourceMetrics, scopeMetrics }, callback);
  }

  /** Waits for exports under way. */
  forceFlush(): Promise<void> {
    return this.#exporter.forceFlush();
  }

  /** Ends the exporter. */
  shutdown(): Promise<void> {
    return this.#exporter.shutdown();
  }

  /** The inner exporter's choice. */
  selectAggregationTemporality: NonNullable<PushMetricExporter["selectAggregationTemporality"]> = (type) =>
    this.#exporter.selectAggregationTemporality?.(type) ?? AggregationTemporality.CUMULATIVE;

  /** Histograms are always synchronous; a foreign sum may be an observable one that was reset, so it keeps its start. */
  #withStart(metric: MetricData, scopeName: string): MetricData {
    if (metric.aggregationTemporality !== AggregationTemporality.CUMULATIVE) return metric;
    const startTime = this.#start;
    switch (metric.dataPointType) {
      case DataPointType.HISTOGRAM:
        return { ...metric, dataPoints: metric.dataPoints.map((point) => ({ ...point, startTime })) };
      case DataPointType.EXPONENTIAL_HISTOGRAM:
        return { ...metric, dataPoints: metric.dataPoints.map((point) => ({ ...point, startTime })) };
      case DataPointType.SUM:
        if (scopeName !== OWN_SCOPE) return metric;
        return { ...metric, dataPoints: metric.dataPoints.map((point) => ({ ...point, startTime })) };
      default:
        return metric;
    }
  }
}
