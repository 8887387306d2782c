/**
 * The decoder: reads one `ExportMetricsServiceRequest` (protobuf) in place and calls a visitor. Between the body and
 * whoever needs the points (the door, the fold) nothing is allocated a point, and attributes and buckets stay bytes.
 * https://github.com/open-telemetry/opentelemetry-proto, metrics/v1/metrics.proto
 */
import type { MetricVisitor } from "../model/metric-visitor.ts";
import {
  afterUnknown,
  afterVarint,
  joinField,
  MalformedMessage,
  payloadEnd,
  payloadStart,
  tagAt,
} from "../model/protobuf-wire.ts";
import { failure, type Result, success } from "../model/result.ts";
import { afterName, checkResource, checkScope } from "./check-attributes.ts";
import { readExponentialPoint } from "./read-exponential-point.ts";
import { readHistogramPoint } from "./read-histogram-point.ts";
import { readNumberPoint } from "./read-number-point.ts";
import { readSummaryPoint } from "./read-summary-point.ts";
import {
  EXPONENTIAL_TAG,
  GAUGE_TAG,
  HISTOGRAM_TAG,
  ScannedMetric,
  scanMetric,
  SUM_TAG,
  SUMMARY_TAG,
} from "./scan-metric.ts";
import { DEFAULT_WALK_LIMITS, type WalkLimits } from "./walk-limits.ts";
import { clearPoint, createWalkState, type WalkState } from "./walk-state.ts";

/** Levels from the request to a point: ResourceMetrics, ScopeMetrics, Metric, its data, the point. */
const POINT_DEPTH = 5;
const RESOURCE_METRICS_FIELDS = 0b1110;
const SCOPE_METRICS_FIELDS = 0b1110;

/**
 * Walks the request and returns the number of its points. Failure `invalid`, with the reason and the position, when the
 * bytes are not a request or are nested too deep; `too_large` when there is more of anything than the limits allow. The visitor has then been called for what came before: what it gathered must be thrown away. Never throws unless
 * the visitor does.
 */
export function walkMetrics(
  body: Uint8Array,
  visitor: MetricVisitor,
  limits: WalkLimits = DEFAULT_WALK_LIMITS,
): Result<number> {
  return walk(body, visitor, limits, true);
}

/**
 * Walks a request that {@link walkMetrics} has found valid before, as {@link walkMetrics} does, but without looking into
 * attributes again. On other bytes attributes that are malformed may be passed to the visitor.
 */
export function walkCheckedMetrics(body: Uint8Array, visitor: MetricVisitor): Result<number> {
  return walk(body, visitor, DEFAULT_WALK_LIMITS, false);
}

function walk(body: Uint8Array, visitor: MetricVisitor, limits: WalkLimits, checksAttributes: boolean): Result<number> {
  try {
    return success(new Walk(body, visitor, limits, checksAttributes).run());
  } catch (error) {
    if (!(error instanceof MalformedMessage)) throw error;
    return failure(error.code, `${error.message} (at byte ${error.position})`);
  }
}

class Walk {
  readonly #body: Uint8Array;
  readonly #visitor: MetricVisitor;
  readonly #limits: WalkLimits;
  readonly #state: WalkState;
  readonly #metric = new ScannedMetric();
  #points = 0;
  #resources = 0;
  #scopes = 0;
  #metrics = 0;

  constructor(body: Uint8Array, visitor: MetricVisitor, limits: WalkLimits, checksAttributes: boolean) {
    this.#body = body;
    this.#visitor = visitor;
    this.#limits = limits;
    this.#state = createWalkState(body, limits.maxAttributes, limits.maxDepth - POINT_DEPTH, checksAttributes);
  }

  run(): number {
    const body = this.#body;
    const end = body.length;
    for (let position = 0; position < end;) {
      const fieldStart = position;
      const tag = tagAt(body, position, end);
      const valueStart = afterVarint(body, position, end);
      if (tag === 0x0a) {
        const start = payloadStart(body, valueStart, end);
        position = payloadEnd(body, valueStart, start, end);
        this.#resourceMetrics(start, position, fieldStart);
      } else {
        position = afterUnknown(body, tag, valueStart, end, 0b10);
      }
    }
    return this.#points;
  }

  /** `resource` = 1, `scope_metrics` = 2, `schema_url` = 3. The resource may follow the scopes: two passes. */
  #resourceMetrics(start: number, end: number, messageStart: number): void {
    const body = this.#body;
    const { maxResources } = this.#limits;
    if (++this.#resources > maxResources) tooMany(maxResources, "resources", messageStart);
    let pieces = 0;
    let resourceStart = end;
    let resourceEnd = end;
    for (let position = start; position < end;) {
      const tag = tagAt(body, position, end);
      const valueStart = afterVarint(body, position, end);
      if (tag === 0x0a) {
        resourceStart = payloadStart(body, valueStart, end);
        resourceEnd = position = payloadEnd(body, valueStart, resourceStart, end);
        pieces += 1;
      } else {
        position = afterSibling(body, tag, valueStart, end, RESOURCE_METRICS_FIELDS);
      }
    }
    let bytes = body;
    if (pieces > 1) {
      bytes = joinField(body, start, end, 1, false);
      resourceStart = 0;
      resourceEnd = bytes.length;
    }
    checkResource(bytes, resourceStart, resourceEnd, this.#limits.maxDepth - 2, this.#limits.maxAttributes);
    this.#visitor.resource(bytes, resourceStart, resourceEnd, messageStart, end);
    this.#eachPayload(start, end, (from, to) => this.#scopeMetrics(from, to));
  }

  /** `scope` = 1, `metrics` = 2, `schema_url` = 3. */
  #scopeMetrics(start: number, end: number): void {
    const body = this.#body;
    const { maxScopes } = this.#limits;
    if (++this.#scopes > maxScopes) tooMany(maxScopes, "scopes", start);
    let pieces = 0;
    let scopeStart = end;
    let scopeEnd = end;
    for (let position = start; position < end;) {
      const tag = tagAt(body, position, end);
      const valueStart = afterVarint(body, position, end);
      if (tag === 0x0a) {
        scopeStart = payloadStart(body, valueStart, end);
        scopeEnd = position = payloadEnd(body, valueStart, scopeStart, end);
        pieces += 1;
      } else {
        position = afterSibling(body, tag, valueStart, end, SCOPE_METRICS_FIELDS);
      }
    }
    let bytes = body;
    if (pieces > 1) {
      bytes = joinField(body, start, end, 1, false);
      scopeStart = 0;
      scopeEnd = bytes.length;
    }
    checkScope(bytes, scopeStart, scopeEnd, this.#limits.maxDepth - 3, this.#limits.maxAttributes);
    if (!this.#visitor.scope(bytes, scopeStart, scopeEnd)) return;
    this.#eachPayload(start, end, (from, to) => this.#metricMessage(from, to));
  }

  /** Calls `each` for every field 2 of a message that was checked before. */
  #eachPayload(start: number, end: number, each: (from: number, to: number) => void): void {
    const body = this.#body;
    for (let position = start; position < end;) {
      const tag = tagAt(body, position, end);
      const valueStart = afterVarint(body, position, end);
      if (tag === 0x12) {
        const from = payloadStart(body, valueStart, end);
        position = payloadEnd(body, valueStart, from, end);
        each(from, position);
      } else {
        position = afterUnknown(body, tag, valueStart, end, 0);
      }
    }
  }

  #metricMessage(start: number, end: number): void {
    const metric = this.#metric;
    const body = this.#body;
    const { maxMetrics } = this.#limits;
    if (++this.#metrics > maxMetrics) tooMany(maxMetrics, "metrics", start);
    scanMetric(metric, body, start, end, this.#limits.maxDepth - 3);
    const wanted = this.#visitor.metric(metric);
    const pointsBefore = this.#points;
    for (let position = start; position < end;) {
      const tag = tagAt(body, position, end);
      const valueStart = afterVarint(body, position, end);
      const after = afterUnknown(body, tag, valueStart, end, 0);
      if (isData(tag)) {
        const counted = tag === metric.dataTag && position >= metric.dataFrom;
        this.#data(tag, payloadStart(body, valueStart, end), after, counted, wanted);
      }
      position = after;
    }
    if (!wanted) this.#visitor.skipped(metric, this.#points - pointsBefore);
  }

  /** Data that was replaced by another member of the oneof is not counted, but must be well formed. */
  #data(tag: number, start: number, end: number, counted: boolean, wanted: boolean): void {
    const body = this.#body;
    const state = this.#state;
    const visitor = this.#visitor;
    const maxPoints = this.#limits.maxPoints;
    clearPoint(state);
    for (let position = start; position < end;) {
      const fieldTag = tagAt(body, position, end);
      const valueStart = afterVarint(body, position, end);
      if (fieldTag !== 0x0a) {
        position = afterUnknown(body, fieldTag, valueStart, end, 0);
        continue;
      }
      const pointStart = payloadStart(body, valueStart, end);
      position = payloadEnd(body, valueStart, pointStart, end);
      readPoint(state, tag, pointStart, position);
      if (!counted) continue;
      this.#points += 1;
      if (this.#points > maxPoints) tooMany(maxPoints, "data points", pointStart);
      if (wanted) visitor.point(state.point);
    }
  }
}

function readPoint(state: WalkState, dataTag: number, start: number, end: number): void {
  if (dataTag === HISTOGRAM_TAG) readHistogramPoint(state, start, end);
  else if (dataTag === SUM_TAG || dataTag === GAUGE_TAG) readNumberPoint(state, start, end);
  else if (dataTag === EXPONENTIAL_TAG) readExponentialPoint(state, start, end);
  else readSummaryPoint(state, start, end);
}

function isData(tag: number): boolean {
  return (
    tag === HISTOGRAM_TAG || tag === SUM_TAG || tag === GAUGE_TAG || tag === EXPONENTIAL_TAG || tag === SUMMARY_TAG
  );
}

/** The position after a field beside the resource or scope: field 2 is a message, field 3 a schema URL. */
function afterSibling(body: Uint8Array, tag: number, valueStart: number, end: number, knownFields: number): number {
  if (tag === 0x1a) return afterName(body, valueStart, end);
  return afterUnknown(body, tag, valueStart, end, tag === 0x12 ? 0 : knownFields);
}

function tooMany(most: number, what: string, position: number): never {
  throw new MalformedMessage(`there are more than ${most} ${what}`, position, "too_large");
}
