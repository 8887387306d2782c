/**
 * Around an exporter: tells when it begins to fail, once, since without a diagnostic logger nobody hears the SDK.
 */
import { AggregationTemporality, type PushMetricExporter, type ResourceMetrics } from "@opentelemetry/sdk-metrics";

/** Exports, and reports the first of failures that follow each other. */
export class ReportingExporter implements PushMetricExporter {
  readonly #exporter: PushMetricExporter;
  readonly #report: (reason: string) => void;
  #isFailing = false;

  constructor(exporter: PushMetricExporter, report: (reason: string) => void) {
    this.#exporter = exporter;
    this.#report = report;
  }

  /** Exports, and tells `done` what came of it. */
  export(metrics: ResourceMetrics, done: Parameters<PushMetricExporter["export"]>[1]): void {
    this.#exporter.export(metrics, (result) => {
      if (result.error !== undefined && !this.#isFailing) this.#report(result.error.message);
      this.#isFailing = result.error !== undefined;
      done(result);
    });
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
}
