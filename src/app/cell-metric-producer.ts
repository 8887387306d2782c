/**
 * Feeds the cells of the HTTP counting to the metric reader of `register`, as the SDK's own metrics would look.
 */

import { ValueType, type HrTime } from "@opentelemetry/api";
import { emptyResource } from "@opentelemetry/resources";
import {
  AggregationTemporality,
  DataPointType,
  InstrumentType,
  type CollectionResult,
  type DataPoint,
  type MetricData,
  type MetricProducer,
  type ScopeMetrics,
} from "@opentelemetry/sdk-metrics";
import type { CellPoint } from "../http/cells/cell-instrument.ts";
import type { CellInstruments, CellMetric } from "../http/cells/cell-instruments.ts";

type InstrumentationScope = ScopeMetrics["scope"];
type CellTemporality = CellMetric["temporality"];

/** Chooses the temporality of an instrument, as exporters do. */
export type SelectTemporality = (instrumentType: InstrumentType) => AggregationTemporality;

/** Reads cells. Serves one reader: a delta is gone once it was collected. There are no exemplars. */
export class CellMetricProducer implements MetricProducer {
  readonly #cells: CellInstruments;
  readonly #scope: InstrumentationScope;
  readonly #selectTemporality: SelectTemporality;

  /** `selectTemporality` is the exporter's. */
  constructor(cells: CellInstruments, scope: InstrumentationScope, selectTemporality: SelectTemporality) {
    this.#cells = cells;
    this.#scope = scope;
    this.#selectTemporality = selectTemporality;
  }

  /** Ends an interval. The resource is empty: readers put the SDK's there. A fault of ours is an error of the collection. */
  collect(): Promise<CollectionResult> {
    const errors: unknown[] = [];
    const scopeMetrics: ScopeMetrics[] = [];
    try {
      const metrics = this.#metrics(Date.now());
      if (metrics.length > 0) scopeMetrics.push({ scope: this.#scope, metrics });
    } catch (error) {
      errors.push(error);
    }
    return Promise.resolve({ resourceMetrics: { resource: emptyResource(), scopeMetrics }, errors });
  }

  #metrics(nowMillis: number): MetricData[] {
    const temporalities = {
      counter: this.#temporalityOf(InstrumentType.COUNTER),
      histogram: this.#temporalityOf(InstrumentType.HISTOGRAM),
    };
    const endTime = hrTimeOf(nowMillis);
    return this.#cells.collect(temporalities, nowMillis).map((metric) => metricDataOf(metric, endTime));
  }

  #temporalityOf(type: InstrumentType): CellTemporality {
    return this.#selectTemporality(type) === AggregationTemporality.DELTA ? "delta" : "cumulative";
  }
}

function metricDataOf(metric: CellMetric, endTime: HrTime): MetricData {
  const aggregationTemporality =
    metric.temporality === "delta" ? AggregationTemporality.DELTA : AggregationTemporality.CUMULATIVE;
  const common = { descriptor: descriptorOf(metric), aggregationTemporality };
  if (metric.kind === "counter") {
    const dataPoints = metric.points.map((point) => dataPointOf(point, endTime));
    return { ...common, dataPointType: DataPointType.SUM, isMonotonic: true, dataPoints };
  }
  if (metric.kind === "explicit") {
    const dataPoints = metric.points.map((point) => dataPointOf(point, endTime));
    return { ...common, dataPointType: DataPointType.HISTOGRAM, dataPoints };
  }
  const dataPoints = metric.points.map((point) => dataPointOf(point, endTime));
  return { ...common, dataPointType: DataPointType.EXPONENTIAL_HISTOGRAM, dataPoints };
}

function descriptorOf({ options: { name, description } }: CellMetric): MetricData["descriptor"] {
  return { name, description, unit: "By", valueType: ValueType.INT };
}

function dataPointOf<Value>({ attributes, startMillis, value }: CellPoint<Value>, endTime: HrTime): DataPoint<Value> {
  return { attributes, startTime: hrTimeOf(startMillis), endTime, value };
}

function hrTimeOf(millis: number): HrTime {
  return [Math.floor(millis / 1000), (millis % 1000) * 1_000_000];
}
