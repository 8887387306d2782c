/**
 * The messages of OTLP metrics for the JSON mapper: names in lower camel case, field numbers and types of
 * opentelemetry-proto. Fields that are not listed are ignored, as OTLP demands of unknown ones; `traceId` and `spanId` of
 * exemplars are left out on purpose: they are hexadecimal and nothing reads them.
 */

/** Types of single values. `enum` takes whole numbers only. */
export type ScalarType =
  | "string"
  | "base64"
  | "bool"
  | "double"
  | "enum"
  | "uint32"
  | "sint32"
  | "int64"
  | "uint64"
  | "fixed64"
  | "sfixed64";

/** One field. */
export interface JsonField {
  readonly number: number;
  readonly type: ScalarType | JsonMessage;
  readonly repeated: boolean;
  /** Part of the message's `oneof`: only one such field may be set. */
  readonly oneof: boolean;
}

/** A message: its fields by their JSON names. A Map, so that no name in a body can reach a prototype. */
export type JsonMessage = Map<string, JsonField>;

function one(number: number, type: ScalarType | JsonMessage): JsonField {
  return { number, type, repeated: false, oneof: false };
}

function many(number: number, type: ScalarType | JsonMessage): JsonField {
  return { number, type, repeated: true, oneof: false };
}

function member(number: number, type: ScalarType | JsonMessage): JsonField {
  return { number, type, repeated: false, oneof: true };
}

function message(fields: Readonly<Record<string, JsonField>>): JsonMessage {
  return new Map(Object.entries(fields));
}

const anyValue: JsonMessage = new Map();
const keyValue = message({ key: one(1, "string"), value: one(2, anyValue) });
const members = {
  stringValue: member(1, "string"),
  boolValue: member(2, "bool"),
  intValue: member(3, "int64"),
  doubleValue: member(4, "double"),
  arrayValue: member(5, message({ values: many(1, anyValue) })),
  kvlistValue: member(6, message({ values: many(1, keyValue) })),
  bytesValue: member(7, "base64"),
};
for (const [name, field] of Object.entries(members)) anyValue.set(name, field);

const exemplar = message({
  filteredAttributes: many(7, keyValue),
  timeUnixNano: one(2, "fixed64"),
  asDouble: member(3, "double"),
  asInt: member(6, "sfixed64"),
});

const numberPoint = message({
  attributes: many(7, keyValue),
  startTimeUnixNano: one(2, "fixed64"),
  timeUnixNano: one(3, "fixed64"),
  asDouble: member(4, "double"),
  asInt: member(6, "sfixed64"),
  exemplars: many(5, exemplar),
  flags: one(8, "uint32"),
});

const histogramPoint = message({
  attributes: many(9, keyValue),
  startTimeUnixNano: one(2, "fixed64"),
  timeUnixNano: one(3, "fixed64"),
  count: one(4, "fixed64"),
  sum: one(5, "double"),
  bucketCounts: many(6, "fixed64"),
  explicitBounds: many(7, "double"),
  exemplars: many(8, exemplar),
  flags: one(10, "uint32"),
  min: one(11, "double"),
  max: one(12, "double"),
});

const buckets = message({ offset: one(1, "sint32"), bucketCounts: many(2, "uint64") });

const exponentialPoint = message({
  attributes: many(1, keyValue),
  startTimeUnixNano: one(2, "fixed64"),
  timeUnixNano: one(3, "fixed64"),
  count: one(4, "fixed64"),
  sum: one(5, "double"),
  scale: one(6, "sint32"),
  zeroCount: one(7, "fixed64"),
  positive: one(8, buckets),
  negative: one(9, buckets),
  flags: one(10, "uint32"),
  exemplars: many(11, exemplar),
  min: one(12, "double"),
  max: one(13, "double"),
  zeroThreshold: one(14, "double"),
});

const summaryPoint = message({
  attributes: many(7, keyValue),
  startTimeUnixNano: one(2, "fixed64"),
  timeUnixNano: one(3, "fixed64"),
  count: one(4, "fixed64"),
  sum: one(5, "double"),
  quantileValues: many(6, message({ quantile: one(1, "double"), value: one(2, "double") })),
  flags: one(8, "uint32"),
});

const metric = message({
  name: one(1, "string"),
  description: one(2, "string"),
  unit: one(3, "string"),
  gauge: member(5, message({ dataPoints: many(1, numberPoint) })),
  sum: member(
    7,
    message({
      dataPoints: many(1, numberPoint),
      aggregationTemporality: one(2, "enum"),
      isMonotonic: one(3, "bool"),
    }),
  ),
  histogram: member(9, message({ dataPoints: many(1, histogramPoint), aggregationTemporality: one(2, "enum") })),
  exponentialHistogram: member(
    10,
    message({ dataPoints: many(1, exponentialPoint), aggregationTemporality: one(2, "enum") }),
  ),
  summary: member(11, message({ dataPoints: many(1, summaryPoint) })),
  metadata: many(12, keyValue),
});

const scope = message({
  name: one(1, "string"),
  version: one(2, "string"),
  attributes: many(3, keyValue),
  droppedAttributesCount: one(4, "uint32"),
});

const resource = message({ attributes: many(1, keyValue), droppedAttributesCount: one(2, "uint32") });

const scopeMetrics = message({ scope: one(1, scope), metrics: many(2, metric), schemaUrl: one(3, "string") });

const resourceMetrics = message({
  resource: one(1, resource),
  scopeMetrics: many(2, scopeMetrics),
  schemaUrl: one(3, "string"),
});

/** `ExportMetricsServiceRequest`. */
export const REQUEST_SCHEMA: JsonMessage = message({ resourceMetrics: many(1, resourceMetrics) });
