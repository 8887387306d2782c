/**
 * The receiver's own metrics: an OpenTelemetry meter provider of its own, in no global, read as Prometheus text and by exporters.
 */
import { type Attributes, type Histogram, type Meter, type ObservableResult, ValueType } from "@opentelemetry/api";
import { PrometheusSerializer } from "@opentelemetry/exporter-prometheus";
import type { Resource } from "@opentelemetry/resources";
import { type IMetricReader, MeterProvider, MetricReader } from "@opentelemetry/sdk-metrics";
import { messageOf, type Result, retryable, success } from "../model/result.ts";
import {
  type ObservedMetricDefinition,
  type ObservedMetricName,
  RECEIVER_METRICS,
  type ReceiverHistogramName,
} from "./receiver-metrics.ts";

/** A value that was observed. */
export interface Observation {
  readonly value: number;
  readonly attributes?: Attributes;
}

/** Reads one metric; called for each reading, so it must be cheap. */
export type Observer = () => readonly Observation[] | Promise<readonly Observation[]>;

/** How each metric that is no histogram is read. */
export type Observers = Readonly<Record<ObservedMetricName, Observer>>;

/** What is measured with. */
export interface ReceiverTelemetryOptions {
  readonly resource: Resource;
  readonly observers: Observers;
  /** Readers beside ours: what exports. */
  readonly readers: readonly IMetricReader[];
}

/** The scope of the receiver's own metrics. */
export const RECEIVER_SCOPE: { readonly name: string; readonly version: string } = {
  name: "otel-bandwidth/receiver",
  version: "0.1.0",
};

/** The format of {@link ReceiverTelemetry.prometheusText}: https://prometheus.io/docs/instrumenting/exposition_formats/ */
export const PROMETHEUS_CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8";

/** Seconds: from an append to a log in memory to a commit that is in trouble. */
const DURATION_BOUNDARIES = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

/** A reader that is asked. */
class PullReader extends MetricReader {
  protected override async onForceFlush(): Promise<void> {}
  protected override async onShutdown(): Promise<void> {}
}

/** Measures from `start` to `shutdown`; before and after, what is recorded is dropped. */
export class ReceiverTelemetry {
  readonly #histograms = new Map<ReceiverHistogramName, Histogram>();
  readonly #serializer = new PrometheusSerializer();
  #running: { readonly provider: MeterProvider; readonly reader: PullReader } | undefined;

  /** Makes the instruments. Call it once. */
  start({ resource, observers, readers }: ReceiverTelemetryOptions): void {
    const reader = new PullReader({});
    const provider = new MeterProvider({ resource, readers: [reader, ...readers] });
    const meter = provider.getMeter(RECEIVER_SCOPE.name, RECEIVER_SCOPE.version);
    for (const metric of RECEIVER_METRICS) {
      const { name, unit, meaning: description } = metric;
      if (metric.instrument !== "histogram") observe(meter, metric, observers[metric.name]);
      else {
        const advice = { explicitBucketBoundaries: DURATION_BOUNDARIES };
        this.#histograms.set(metric.name, meter.createHistogram(name, { unit, description, advice }));
      }
    }
    this.#running = { provider, reader };
  }

  /** Records a duration, seconds. */
  record(name: ReceiverHistogramName, seconds: number, attributes?: Attributes): void {
    this.#histograms.get(name)?.record(seconds, attributes);
  }

  /** All metrics now, as {@link PROMETHEUS_CONTENT_TYPE}. Retryable `unavailable` when they are not measured. */
  async prometheusText(): Promise<Result<string>> {
    if (this.#running === undefined)
      return retryable("unavailable", "the receiver has not started, or is shutting down");
    const { resourceMetrics, errors } = await this.#running.reader.collect();
    // What could be read is better than nothing; what could not is absent.
    const failed = errors.map((error) => `# failed to read: ${messageOf(error)}\n`);
    return success(`${failed.join("")}${this.#serializer.serialize(resourceMetrics).trimEnd()}\n`);
  }

  /** Exports a last time and ends. Never rejects: what an exporter could not send is lost. */
  async shutdown(): Promise<void> {
    const running = this.#running;
    this.#running = undefined;
    this.#histograms.clear();
    await running?.provider.shutdown().catch(() => undefined);
  }
}

function observe(
  meter: Meter,
  { name, unit, meaning, instrument }: ObservedMetricDefinition,
  observer: Observer,
): void {
  const options = { unit, description: meaning, valueType: unit === "s" ? ValueType.DOUBLE : ValueType.INT };
  const observable =
    instrument === "counter"
      ? meter.createObservableCounter(name, options)
      : instrument === "gauge"
        ? meter.createObservableGauge(name, options)
        : meter.createObservableUpDownCounter(name, options);
  observable.addCallback(async (result: ObservableResult) => {
    for (const { value, attributes } of await observer()) result.observe(value, attributes);
  });
}
