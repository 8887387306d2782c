import { ValueType, type Attributes } from "@opentelemetry/api";
import {
  AggregationTemporality,
  AggregationType,
  DataPointType,
  InstrumentType,
  MeterProvider,
  MetricReader,
  type MetricData,
  type MetricProducer,
} from "@opentelemetry/sdk-metrics";
import fc from "fast-check";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { CellMetricProducer, type SelectTemporality } from "../../src/app/cell-metric-producer.ts";
import { CellInstruments, type HistogramAggregation } from "../../src/http/cells/cell-instruments.ts";

const SCOPE = { name: "otel-bandwidth/http", version: "1.2.3" };
const HISTOGRAM = { name: "http.server.response.body.size", description: "Sizes.", boundaries: [0, 100, 5_000] };
const COUNTER = { name: "bandwidth.http.server.io", description: "Bytes." };

const TEMPORALITIES = {
  cumulative: () => AggregationTemporality.CUMULATIVE,
  delta: () => AggregationTemporality.DELTA,
  histogramsOnly: (type) =>
    type === InstrumentType.HISTOGRAM ? AggregationTemporality.DELTA : AggregationTemporality.CUMULATIVE,
} satisfies Record<string, SelectTemporality>;

class ManualReader extends MetricReader {
  protected override async onForceFlush(): Promise<void> {}
  protected override async onShutdown(): Promise<void> {}
}

/** Records into one place. */
interface Sink {
  record(attributes: Attributes, bytes: number): void;
  add(attributes: Attributes, bytes: number): void;
  /** The metrics of our scope. */
  collect(): Promise<readonly MetricData[]>;
}

function reader(temporality: SelectTemporality, limit: number, metricProducers: MetricProducer[] = []): MetricReader {
  return new ManualReader({
    aggregationTemporalitySelector: temporality,
    cardinalitySelector: () => limit,
    metricProducers,
  });
}

async function collectFrom(source: MetricReader): Promise<readonly MetricData[]> {
  const { resourceMetrics, errors } = await source.collect();
  expect(errors).toEqual([]);
  expect(resourceMetrics.scopeMetrics.length).toBeLessThan(2);
  for (const { scope } of resourceMetrics.scopeMetrics) expect(scope).toEqual({ ...SCOPE, schemaUrl: undefined });
  return resourceMetrics.scopeMetrics.flatMap(({ metrics }) => metrics);
}

function sdkSink(histograms: HistogramAggregation, temporality: SelectTemporality, limit: number): Sink {
  const source = reader(temporality, limit);
  const views =
    histograms.kind === "explicit"
      ? []
      : [
          {
            instrumentType: InstrumentType.HISTOGRAM,
            aggregation: {
              type: AggregationType.EXPONENTIAL_HISTOGRAM as const,
              options: { maxSize: histograms.maxSize, recordMinMax: true },
            },
            aggregationCardinalityLimit: limit,
          },
        ];
  const meter = new MeterProvider({ readers: [source], views }).getMeter(SCOPE.name, SCOPE.version);
  const common = { unit: "By", valueType: ValueType.INT };
  const histogram = meter.createHistogram(HISTOGRAM.name, {
    ...common,
    description: HISTOGRAM.description,
    advice: { explicitBucketBoundaries: HISTOGRAM.boundaries },
  });
  const counter = meter.createCounter(COUNTER.name, { ...common, description: COUNTER.description });
  return {
    record: (attributes, bytes) => histogram.record(bytes, attributes),
    add: (attributes, bytes) => counter.add(bytes, attributes),
    async collect() {
      const metrics = await collectFrom(source);
      // What is not part of the public type says how the SDK made it.
      return metrics.map(({ descriptor: { name, description, unit, valueType }, ...rest }) => ({
        descriptor: { name, description, unit, valueType },
        ...rest,
      }));
    },
  };
}

function cellSink(histograms: HistogramAggregation, temporality: SelectTemporality, limit: number): Sink {
  const cells = new CellInstruments({ histograms, histogramLimit: limit, counterLimit: limit });
  const source = reader(temporality, limit, [new CellMetricProducer(cells, SCOPE, temporality)]);
  void new MeterProvider({ readers: [source] });
  const histogram = cells.histogram(HISTOGRAM);
  const counter = cells.counter(COUNTER);
  return {
    record: (attributes, bytes) => histogram(attributes).record(bytes),
    add: (attributes, bytes) => counter(attributes).add(bytes),
    collect: () => collectFrom(source),
  };
}

type Step = { readonly collect: true } | { readonly set: number; readonly bytes: number };

const sizes = fc.oneof(
  fc.constantFrom(0, 0, 5, 1_024),
  fc.integer({ min: 1, max: 2_000 }),
  // Eighty of them add up below 2^53: past that a sum depends on the order.
  fc.integer({ min: 0, max: 46 }).map((exponent) => 2 ** exponent),
  fc.integer({ min: 2 ** 31 - 5, max: 2 ** 33 }),
  fc.integer({ min: 1, max: 50_000_000 }),
);
const measurement: fc.Arbitrary<Step> = fc.record({ set: fc.integer({ min: 0, max: 5 }), bytes: sizes });
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 8, arbitrary: measurement },
  { weight: 1, arbitrary: fc.constant<Step>({ collect: true }) },
);
const aggregations: fc.Arbitrary<HistogramAggregation> = fc.oneof(
  fc.constant<HistogramAggregation>({ kind: "explicit" }),
  fc.constantFrom(2, 3, 20, 160).map((maxSize): HistogramAggregation => ({ kind: "exponential", maxSize })),
);
const temporalities = fc.constantFrom(...Object.values(TEMPORALITIES));
const limits = fc.constantFrom(2, 4, 2_000);

const attributesOf = (set: number): Attributes => ({ "http.request.method": "GET", "http.route": `/${set}` });

beforeEach(() => void vi.useFakeTimers({ now: 1_700_000_000_123, toFake: ["Date"] }));
afterEach(() => void vi.useRealTimers());

/** Runs the same steps through both and hands the collections to `compare`, in pairs. */
async function runBoth(
  sinks: readonly [Sink, Sink],
  steps: readonly Step[],
  compare: (sdk: readonly MetricData[], cells: readonly MetricData[]) => void,
): Promise<void> {
  for (const each of [...steps, { collect: true as const }]) {
    vi.advanceTimersByTime(7);
    if ("collect" in each) {
      const [sdk, cells] = [await sinks[0].collect(), await sinks[1].collect()];
      compare(sdk, cells);
      continue;
    }
    for (const sink of sinks) {
      sink.record(attributesOf(each.set), each.bytes);
      sink.add(attributesOf(each.set), each.bytes % 1_000);
    }
  }
}

/** The order of metrics and of points means nothing. */
function sorted(metrics: readonly MetricData[]): unknown {
  return metrics
    .map((metric) => ({
      ...metric,
      dataPoints: metric.dataPoints.toSorted((a, b) => (keyOf(a.attributes) < keyOf(b.attributes) ? -1 : 1)),
    }))
    .toSorted((a, b) => (a.descriptor.name < b.descriptor.name ? -1 : 1));
}

const keyOf = (attributes: Attributes): string => JSON.stringify(attributes);

test("exports what the SDK's instruments would: every temporality, aggregation and cardinality limit", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { maxLength: 80, size: "max" }),
      aggregations,
      temporalities,
      limits,
      async (...given) => {
        const [steps, aggregation, temporality, limit] = given;
        const isMerged = aggregation.kind === "exponential" && temporality === TEMPORALITIES.cumulative;
        const sinks = [sdkSink(aggregation, temporality, limit), cellSink(aggregation, temporality, limit)] as const;
        await runBoth(sinks, steps, (sdk, cells) => {
          if (!isMerged) expect(sorted(cells)).toEqual(sorted(sdk));
          else expect(sorted(atScaleOf(cells, sdk))).toEqual(sorted(sdk));
        });
      },
    ),
    { numRuns: 500 },
  );
});

/**
 * The SDK merges intervals into a cumulative histogram, and loses scale when one of them held nothing but zeros. Counts are
 * the same; ours are brought to its scale, which is never the finer one.
 */
function atScaleOf(cells: readonly MetricData[], sdk: readonly MetricData[]): MetricData[] {
  return cells.map((metric) => {
    if (metric.dataPointType !== DataPointType.EXPONENTIAL_HISTOGRAM) return metric;
    const other = sdk.find(({ dataPointType }) => dataPointType === metric.dataPointType) as typeof metric | undefined;
    const dataPoints = metric.dataPoints.map((point) => {
      const theirs = other?.dataPoints.find(({ attributes }) => keyOf(attributes) === keyOf(point.attributes))?.value;
      if (theirs === undefined || point.value.count === point.value.zeroCount) return point;
      const change = point.value.scale - theirs.scale;
      expect(change).toBeGreaterThanOrEqual(0);
      const { offset, bucketCounts } = theirs.positive;
      const counts = bucketCounts.map(() => 0);
      point.value.positive.bucketCounts.forEach((count, place) => {
        const target = ((point.value.positive.offset + place) >> change) - offset;
        counts[target] = (counts[target] ?? Number.NaN) + count;
      });
      return { ...point, value: { ...point.value, scale: theirs.scale, positive: { offset, bucketCounts: counts } } };
    });
    return { ...metric, dataPoints };
  });
}

test("keeps a cumulative histogram's scale through an interval of empty bodies", async () => {
  const cells = cellSink({ kind: "exponential", maxSize: 160 }, TEMPORALITIES.cumulative, 2_000);
  for (const bytes of [1_000, 0, 1_100]) {
    cells.record(attributesOf(0), bytes);
    await cells.collect();
  }
  const [metric] = await cells.collect();
  expect(metric?.dataPoints[0]?.value).toMatchObject({ count: 3, zeroCount: 1, sum: 2_100, scale: 10 });
});

test("keeps no measurement that is no count of bytes", async () => {
  const cells = cellSink({ kind: "explicit" }, TEMPORALITIES.cumulative, 2_000);
  for (const bytes of [-1, Number.NaN, 0.5, Infinity, 2 ** 53]) cells.record(attributesOf(0), bytes);
  expect(await cells.collect()).toEqual([]);
});

test("a fault of ours while collecting is an error of the collection, and takes nothing of the SDK's with it", async () => {
  const cells = new CellInstruments({ histograms: { kind: "explicit" }, histogramLimit: 10, counterLimit: 10 });
  cells.onCollect(() => {
    throw new Error("broken");
  });
  const source = reader(TEMPORALITIES.delta, 10, [new CellMetricProducer(cells, SCOPE, TEMPORALITIES.delta)]);
  new MeterProvider({ readers: [source] }).getMeter("theirs").createCounter("orders").add(1);
  const { resourceMetrics, errors } = await source.collect();
  expect(errors).toEqual([new Error("broken")]);
  expect(resourceMetrics.scopeMetrics.map(({ scope }) => scope.name)).toEqual(["theirs"]);
});
