/**
 * Feeds the cells of the HTTP counting to the metric reader of `register`, as the SDK's own metrics would look.
 */

import { ValueType, type HrTime } from "@opentelemetry/api";
import { resourceFromAttributes } from "@opentelemetry/resources";
import {
  AggregationTemporality,
  DataPointType,
  InstrumentType,
  type CollectionResult,
  type DataPoint,
  type MetricData,
  type MetricProducer,
} from "@opentelemetry/sdk-metrics";
import type { CellPoint } from "../http/cells/cell-instrument.ts";
import type { CellInstruments, CellMetric } from "../http/cells/cell-instruments.ts";

type InstrumentationScope = CollectionResult["resourceMetrics"]["scopeMetrics"][number]["scope"];
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

  /** Ends an interval. The resource is empty: readers put the SDK's there. */
  collect(): Promise<CollectionResult> {
    const nowMillis = Date.now();
    const temporalities = {
      counter: this.#temporalityOf(InstrumentType.COUNTER),
      histogram: this.#temporalityOf(InstrumentType.HISTOGRAM),
    };
    const endTime = hrTimeOf(nowMillis);
    const metrics = this.#cells.collect(temporalities, nowMillis).map((metric) => metricDataOf(metric, endTime));
    const scopeMetrics = metrics.length === 0 ? [] : [{ scope: this.#scope, metrics }];
    return Promise.resolve({ resourceMetrics: { resource: resourceFromAttributes({}), scopeMetrics }, errors: [] });
  }

  #temporalityOf(type: InstrumentType): CellTemporality {
    return this.#selectTemporality(type) === AggregationTemporality.DELTA ? "delta" : "cumulative";
  }
}

function metricDataOf(metric: CellMetric, endTime: HrTime): MetricData {
  const aggregationTemporality =
    metric.temporality === "delta" ? AggregationTemporality.DELTA : AggregationTemporality.CUMULATIVE;
  const common = { descriptor: descriptorOf(metric), aggregationTemporality };
  switch (metric.kind) {
    case "counter": {
      const dataPoints = metric.points.map((point) => dataPointOf(point, endTime));
      return { ...common, dataPointType: DataPointType.SUM, isMonotonic: true, dataPoints };
    }
    case "explicit": {
      const dataPoints = metric.points.map((point) => dataPointOf(point, endTime));
      return { ...common, dataPointType: DataPointType.HISTOGRAM, dataPoints };
    }
    case "exponential": {
      const dataPoints = metric.points.map((point) => dataPointOf(point, endTime));
      return { ...common, dataPointType: DataPointType.EXPONENTIAL_HISTOGRAM, dataPoints };
    }
  }
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
