/**
 * The receiver's own metrics, made anew for whoever asks: as Prometheus text, and for readers that export. In no global of OpenTelemetry.
 */
import { type Attributes, type HrTime, ValueType } from "@opentelemetry/api";
import type { PrometheusSerializer } from "@opentelemetry/exporter-prometheus";
import type { Resource } from "@opentelemetry/resources";
import {
  AggregationTemporality,
  type CollectionResult,
  type DataPoint,
  DataPointType,
  type Histogram,
  type IMetricReader,
  type MetricData,
  type MetricProducer,
} from "@opentelemetry/sdk-metrics";
import type { Clock } from "../model/clock.ts";
import { messageOf, type Result, retryable, success } from "../model/result.ts";
import {
  DURATION_BOUNDARIES,
  type DurationAttributes,
  DurationHistogram,
  type DurationSet,
} from "./duration-histogram.ts";
import {
  type ObservedMetricDefinition,
  type ObservedMetricName,
  RECEIVER_METRICS,
  type ReceiverHistogramDefinition,
  type ReceiverHistogramName,
} from "./receiver-metrics.ts";

/** A value that was observed. */
export interface Observation {
  readonly value: number;
  readonly attributes?: Attributes;
}

/** Reads one metric; called for each reading, so it must be cheap. What it does not tell of any more is not told. */
export type Observer = () => readonly Observation[] | Promise<readonly Observation[]>;

/** How each metric that is no histogram is read. */
export type Observers = Readonly<Record<ObservedMetricName, Observer>>;

/** What is measured with. */
export interface ReceiverTelemetryOptions {
  readonly resource: Resource;
  readonly observers: Observers;
  /** What exports; not bound to anything yet. */
  readonly readers: readonly IMetricReader[];
}

/** The scope of the receiver's own metrics. */
export const RECEIVER_SCOPE: { readonly name: string; readonly version: string } = {
  name: "otel-bandwidth/receiver",
  version: "0.1.0",
};

/** The format of {@link ReceiverTelemetry.prometheusText}: https://prometheus.io/docs/instrumenting/exposition_formats/ */
export const PROMETHEUS_CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8";

/** When points began and when they are read. */
type Times = Pick<DataPoint<unknown>, "startTime" | "endTime">;

/** Measures from `start` to `shutdown`; before and after, what is recorded is dropped. Always cumulative. */
export class ReceiverTelemetry implements MetricProducer {
  readonly #clock: Clock;
  #serializer: PrometheusSerializer | undefined;
  readonly #durations: Readonly<Record<ReceiverHistogramName, DurationHistogram>> = {
    "bandwidth.receiver.fold.duration": new DurationHistogram(),
    "bandwidth.receiver.store.duration": new DurationHistogram(),
  };
  #running: (ReceiverTelemetryOptions & { readonly startTime: HrTime }) | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Begins. Call it once. */
  start(options: ReceiverTelemetryOptions): void {
    this.#running = { ...options, startTime: this.#now() };
    for (const reader of options.readers) reader.setMetricProducer(this);
  }

  /** Records a duration, seconds. */
  record(name: ReceiverHistogramName, seconds: number, attributes: DurationAttributes = {}): void {
    if (this.#running) this.#durations[name].record(seconds, attributes);
  }

  /** All metrics now, as {@link PROMETHEUS_CONTENT_TYPE}. Retryable `unavailable` when they are not measured. */
  async prometheusText(): Promise<Result<string>> {
    // It brings an SDK of its own: who is never asked does without.
    this.#serializer ??= new (await import("@opentelemetry/exporter-prometheus")).PrometheusSerializer();
    if (this.#running === undefined) return retryable("unavailable", NOT_MEASURED);
    const { resourceMetrics, errors } = await this.collect();
    // What could be read is better than nothing; what could not is absent.
    const failed = errors.map((error) => `# failed to read: ${messageOf(error)}\n`);
    return success(`${failed.join("")}${this.#serializer.serialize(resourceMetrics).trimEnd()}\n`);
  }

  /** All metrics now. What an observer throws is an error of the collection; the other metrics are there. */
  async collect(): Promise<CollectionResult> {
    if (this.#running === undefined) throw new Error(NOT_MEASURED);
    const { resource, observers, startTime } = this.#running;
    const times = { startTime, endTime: this.#now() };
    const errors: unknown[] = [];
    const collected = await Promise.all(
      RECEIVER_METRICS.map(async (metric) => {
        if (metric.instrument === "histogram") return durations(metric, this.#durations[metric.name].sets(), times);
        try {
          return observed(metric, await observers[metric.name](), times);
        } catch (error) {
          errors.push(error);
          return [];
        }
      }),
    );
    return {
      resourceMetrics: { resource, scopeMetrics: [{ scope: RECEIVER_SCOPE, metrics: collected.flat() }] },
      errors,
    };
  }

  /** Exports a last time and ends. Never rejects: what an exporter could not send is lost. */
  async shutdown(): Promise<void> {
    const readers = this.#running?.readers ?? [];
    await Promise.allSettled(readers.map((reader) => reader.shutdown()));
    this.#running = undefined;
  }

  #now(): HrTime {
    const millis = Math.floor(this.#clock.nowMillis());
    return [Math.floor(millis / 1000), (millis % 1000) * 1_000_000];
  }
}

const NOT_MEASURED = "nothing is measured before the start and after the end";
const CUMULATIVE = { aggregationTemporality: AggregationTemporality.CUMULATIVE };

/** A metric without points is left out. */
function observed(metric: ObservedMetricDefinition, observations: readonly Observation[], times: Times): MetricData[] {
  if (observations.length === 0) return [];
  const { name, unit, meaning: description, instrument } = metric;
  const valueType = unit === "s" ? ValueType.DOUBLE : ValueType.INT;
  const dataPoints = observations.map(({ value, attributes = {} }) => ({ ...times, attributes, value }));
  const common = { ...CUMULATIVE, descriptor: { name, description, unit, valueType }, dataPoints };
  return instrument === "gauge"
    ? [{ ...common, dataPointType: DataPointType.GAUGE }]
    : [{ ...common, dataPointType: DataPointType.SUM, isMonotonic: instrument === "counter" }];
}

function durations(metric: ReceiverHistogramDefinition, sets: readonly DurationSet[], times: Times): MetricData[] {
  if (sets.length === 0) return [];
  const { name, unit, meaning: description } = metric;
  const dataPoints = sets.map(({ attributes, counts, count, sum }): DataPoint<Histogram> => {
    const buckets = { boundaries: [...DURATION_BOUNDARIES], counts: [...counts] };
    return { ...times, attributes, value: { buckets, count, sum } };
  });
  const descriptor = { name, description, unit, valueType: ValueType.DOUBLE };
  return [{ ...CUMULATIVE, descriptor, dataPointType: DataPointType.HISTOGRAM, dataPoints }];
}
