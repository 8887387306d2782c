/**
 * Reads what all points of a metric share before any point is passed: exporters write the temporality after the points,
 * and protobuf allows any order.
 */
import type { MetricHeader, MetricKind, Temporality } from "../model/metric-visitor.ts";
import { afterUnknown, afterVarint, payloadEnd, payloadStart, tagAt, varintLow } from "../model/protobuf-wire.ts";
import { afterKeyValue, afterName } from "./check-attributes.ts";
import { NameCache } from "./name-cache.ts";

const METRIC_FIELDS = 0b1_1111_1010_1110;

/** Field tags of the `oneof data` of a `Metric`. */
export const GAUGE_TAG = 0x2a;
/** `Metric.sum`. */
export const SUM_TAG = 0x3a;
/** `Metric.histogram`. */
export const HISTOGRAM_TAG = 0x4a;
/** `Metric.exponential_histogram`. */
export const EXPONENTIAL_TAG = 0x52;
/** `Metric.summary`. */
export const SUMMARY_TAG = 0x5a;

/** The metric that a walk is at; one object, filled again for each metric. */
export class ScannedMetric implements MetricHeader {
  name = "";
  unit = "";
  kind: MetricKind = "none";
  temporality: Temporality = "unspecified";
  monotonic = false;
  start = 0;
  end = 0;
  /** The tag of the data; 0 when there is none. */
  dataTag = 0;
  /** Data before this position was replaced by data of another kind and does not count. */
  dataFrom = 0;
}

const names = new NameCache();

/**
 * Fills `metric` with the `Metric` message from `start` to `end`. `depthLeft` is how many levels may still be inside it.
 * Throws `MalformedMessage`.
 */
export function scanMetric(
  metric: ScannedMetric,
  body: Uint8Array,
  start: number,
  end: number,
  depthLeft: number,
): void {
  metric.name = "";
  metric.unit = "";
  metric.start = start;
  metric.end = end;
  startData(metric, 0, start);
  for (let position = start; position < end;) {
    const fieldStart = position;
    const tag = tagAt(body, position, end);
    const valueStart = afterVarint(body, position, end);
    switch (tag) {
      case 0x0a: {
        const textStart = payloadStart(body, valueStart, end);
        position = payloadEnd(body, valueStart, textStart, end);
        metric.name = names.text(body, textStart, position);
        break;
      }
      case 0x1a: {
        const textStart = payloadStart(body, valueStart, end);
        position = payloadEnd(body, valueStart, textStart, end);
        metric.unit = names.text(body, textStart, position);
        break;
      }
      case 0x12: // description
        position = afterName(body, valueStart, end);
        break;
      case GAUGE_TAG:
      case SUM_TAG:
      case HISTOGRAM_TAG:
      case EXPONENTIAL_TAG:
      case SUMMARY_TAG: {
        // The last member of a oneof wins; the same member again is merged.
        if (metric.dataTag !== tag) startData(metric, tag, fieldStart);
        const dataStart = payloadStart(body, valueStart, end);
        position = payloadEnd(body, valueStart, dataStart, end);
        scanData(metric, body, dataStart, position);
        break;
      }
      case 0x62: // metadata
        position = afterKeyValue(body, valueStart, end, depthLeft - 1);
        break;
      default:
        position = afterUnknown(body, tag, valueStart, end, METRIC_FIELDS);
    }
  }
}

function startData(metric: ScannedMetric, tag: number, position: number): void {
  metric.dataTag = tag;
  metric.dataFrom = position;
  metric.kind = kindOf(tag);
  metric.temporality = "unspecified";
  metric.monotonic = tag === HISTOGRAM_TAG || tag === EXPONENTIAL_TAG;
}

function kindOf(tag: number): MetricKind {
  if (tag === GAUGE_TAG) return "gauge";
  if (tag === SUM_TAG) return "sum";
  if (tag === HISTOGRAM_TAG) return "histogram";
  if (tag === EXPONENTIAL_TAG) return "exponential_histogram";
  return tag === SUMMARY_TAG ? "summary" : "none";
}

/** Every kind's data has `data_points` = 1; sums and histograms `aggregation_temporality` = 2; sums `is_monotonic` = 3. */
function scanData(metric: ScannedMetric, body: Uint8Array, start: number, end: number): void {
  const isSum = metric.dataTag === SUM_TAG;
  const hasTemporality = isSum || metric.monotonic;
  const knownFields = isSum ? 0b1110 : hasTemporality ? 0b110 : 0b10;
  for (let position = start; position < end;) {
    const tag = tagAt(body, position, end);
    const valueStart = afterVarint(body, position, end);
    if (tag === 0x0a) {
      position = payloadEnd(body, valueStart, payloadStart(body, valueStart, end), end);
    } else if (tag === 0x10 && hasTemporality) {
      position = afterVarint(body, valueStart, end);
      metric.temporality = temporalityOf(varintLow(body, valueStart));
    } else if (tag === 0x18 && isSum) {
      position = afterVarint(body, valueStart, end);
      metric.monotonic = isTrue(body, valueStart, position);
    } else {
      position = afterUnknown(body, tag, valueStart, end, knownFields);
    }
  }
}

function temporalityOf(value: number): Temporality {
  if (value === 1) return "delta";
  return value === 2 ? "cumulative" : "unspecified";
}

/** A boolean is true when its varint is not zero, however long it is. */
function isTrue(body: Uint8Array, start: number, end: number): boolean {
  for (let position = start; position < end; position += 1) {
    if ((body[position]! & 0x7f) !== 0) return true;
  }
  return false;
}
