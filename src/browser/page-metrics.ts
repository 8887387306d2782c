/**
 * Worker: the metrics of a page as OpenTelemetry instruments, and an export of those series that the receiver does not have.
 */
import { ProtobufMetricsSerializer } from "@opentelemetry/otlp-transformer";
import { resourceFromAttributes } from "@opentelemetry/resources";
import {
  AggregationType,
  DataPointType,
  InstrumentType,
  MeterProvider,
  type MetricData,
  MetricReader,
  type ResourceMetrics,
} from "@opentelemetry/sdk-metrics";
import { LATENCY_SCALE } from "../model/latency-histogram.ts";
import { METRICS } from "../model/metric-names.ts";
import { AcknowledgedSeries } from "./acknowledged-series.ts";
import { coarserHistogram } from "./coarser-histogram.ts";
import type { CounterMetric, HistogramMetric, MetricAttributes, MetricSink } from "./metric-sink.ts";

/** Keeps scale 5 over the range of round trips, like the durations of HTTP requests. */
const HISTOGRAM_MAX_BUCKETS = 640;

/** Seconds are kept in steps of 2^-20, a microsecond: numbers with few binary digits take half the bytes once compressed. */
const STEPS_PER_SECOND = 2 ** 20;

/** The name that the metrics' scope has. */
const SCOPE_NAME = "otel-bandwidth/browser";

/** One export, encoded. */
export interface MetricsExport {
  /** An OTLP `ExportMetricsServiceRequest`, protobuf. */
  readonly body: Uint8Array;
  /** The receiver has it. */
  acknowledge(): void;
}

/** Is read when asked, and pushes nothing by itself. */
class AskedReader extends MetricReader {
  protected override async onForceFlush(): Promise<void> {}
  protected override async onShutdown(): Promise<void> {}
}

interface Adder {
  add(value: number, attributes: MetricAttributes): void;
}

interface Recorder {
  record(value: number): void;
}

/** The metrics of one page: cumulative, from its start to its end. */
export class PageMetrics implements MetricSink {
  readonly #reader = new AskedReader();
  readonly #acknowledged = new AcknowledgedSeries();
  readonly #counters = new Map<CounterMetric, Adder>();
  readonly #histograms = new Map<HistogramMetric, Recorder>();
  /** That of the first series: one start for all is the page's, and fewer bytes. */
  #start: AnyPoint["startTime"] | undefined;

  /** @param resourceAttributes `service.name` and the like, with a `service.instance.id` that no other page has */
  constructor(resourceAttributes: Readonly<Record<string, string>>) {
    const provider = new MeterProvider({
      resource: resourceFromAttributes(resourceAttributes),
      readers: [this.#reader],
      views: [
        {
          instrumentType: InstrumentType.HISTOGRAM,
          aggregation: {
            type: AggregationType.EXPONENTIAL_HISTOGRAM,
            // Bytes that nobody reads.
            options: { maxSize: HISTOGRAM_MAX_BUCKETS, recordMinMax: false },
          },
        },
      ],
    });
    const meter = provider.getMeter(SCOPE_NAME);
    for (const { name, instrument, unit } of METRICS) {
      if (!name.startsWith("webrtc.")) continue;
      if (instrument === "counter") this.#counters.set(name as CounterMetric, meter.createCounter(name, { unit }));
      else this.#histograms.set(name as HistogramMetric, meter.createHistogram(name, { unit }));
    }
  }

  add(metric: CounterMetric, value: number, attributes: MetricAttributes): void {
    this.#counters.get(metric)?.add(inSteps(value), attributes);
  }

  record(metric: HistogramMetric, value: number): void {
    this.#histograms.get(metric)?.record(inSteps(value));
  }

  /** The series that changed since the last acknowledged export; `undefined` when none did. */
  async collect(): Promise<MetricsExport | undefined> {
    const { resourceMetrics } = await this.#reader.collect();
    const values = new Map<string, number>();
    forEachSeries(resourceMetrics, (series, value) => values.set(series, value));
    const changed = this.#acknowledged.changes(values);
    if (changed.size === 0) return undefined;
    this.#start ??= earliestStart(resourceMetrics);
    const body = ProtobufMetricsSerializer.serializeRequest(onlySeries(resourceMetrics, changed, this.#start));
    if (body === undefined) return undefined;
    const pending = this.#acknowledged.begin(new Map([...values].filter(([series]) => changed.has(series))));
    return { body, acknowledge: () => pending.acknowledge() };
  }
}

function inSteps(value: number): number {
  return Math.round(value * STEPS_PER_SECOND) / STEPS_PER_SECOND;
}

type AnyPoint = MetricData["dataPoints"][number];

function keyOf({ descriptor }: MetricData, { attributes }: AnyPoint): string {
  return JSON.stringify([descriptor.name, Object.entries(attributes).toSorted(([a], [b]) => (a < b ? -1 : 1))]);
}

/** A number that changes whenever the series does. */
function forEachSeries(metrics: ResourceMetrics, visit: (series: string, value: number) => void): void {
  for (const metric of metrics.scopeMetrics.flatMap((scope) => scope.metrics)) {
    for (const point of metric.dataPoints) {
      visit(keyOf(metric, point), typeof point.value === "number" ? point.value : point.value.count);
    }
  }
}

function earliestStart({ scopeMetrics }: ResourceMetrics): AnyPoint["startTime"] | undefined {
  const points = scopeMetrics.flatMap(({ metrics }) => metrics.flatMap(({ dataPoints }): AnyPoint[] => dataPoints));
  return points.map(({ startTime }) => startTime).sort(([a, nanos], [b, otherNanos]) => a - b || nanos - otherNanos)[0];
}

function onlySeries(
  metrics: ResourceMetrics,
  wanted: ReadonlySet<string>,
  start: AnyPoint["startTime"] | undefined,
): ResourceMetrics {
  const scopeMetrics = metrics.scopeMetrics.map((scope) => ({
    scope: scope.scope,
    metrics: scope.metrics.flatMap((metric) => {
      const kept = withPoints(metric, wanted, start);
      return kept.dataPoints.length === 0 ? [] : [kept];
    }),
  }));
  return { resource: metrics.resource, scopeMetrics };
}

function withPoints(
  metric: MetricData,
  wanted: ReadonlySet<string>,
  start: AnyPoint["startTime"] | undefined,
): MetricData {
  const kept = <P extends AnyPoint>(points: readonly P[]): P[] =>
    points
      .filter((point) => wanted.has(keyOf(metric, point)))
      .map((point) => ({ ...point, startTime: start ?? point.startTime }));
  // Each kind has points of its own type: they are filtered, never exchanged.
  if (metric.dataPointType === DataPointType.HISTOGRAM) return { ...metric, dataPoints: kept(metric.dataPoints) };
  if (metric.dataPointType === DataPointType.EXPONENTIAL_HISTOGRAM) {
    const coarser = kept(metric.dataPoints).map((point) => ({
      ...point,
      value: coarserHistogram(point.value, LATENCY_SCALE),
    }));
    return { ...metric, dataPoints: coarser };
  }
  return { ...metric, dataPoints: kept(metric.dataPoints) };
}
