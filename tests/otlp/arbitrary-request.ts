/** Random `ExportMetricsServiceRequest`s as plain objects, in the form that protobufjs `fromObject` takes. */
import fc from "fast-check";

const text = fc.string({ unit: "binary", maxLength: 12 }).map((value) => value.toWellFormed());
/** Any 64 bits, as decimal text. */
const uint64 = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }).map(String);
const int64 = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map(String);
const uint32 = fc.nat({ max: 0xffff_ffff });
const bytes = fc.uint8Array({ maxLength: 20 }).map((value) => Buffer.from(value));

const { keyValue } = fc.letrec<{ anyValue: object; keyValue: object }>((tie) => ({
  anyValue: fc.oneof(
    { maxDepth: 3, depthSize: "small" },
    fc.constant({}),
    fc.record({ stringValue: text }),
    fc.record({ boolValue: fc.boolean() }),
    fc.record({ intValue: int64 }),
    fc.record({ doubleValue: fc.double() }),
    fc.record({ bytesValue: bytes }),
    fc.record({ arrayValue: fc.record({ values: fc.array(tie("anyValue"), { maxLength: 3 }) }) }),
    fc.record({ kvlistValue: fc.record({ values: fc.array(tie("keyValue"), { maxLength: 3 }) }) }),
  ),
  keyValue: fc.record({ key: text, value: tie("anyValue") }, { requiredKeys: ["key"] }),
}));

/** A random `KeyValue`. */
export const arbitraryKeyValue: fc.Arbitrary<object> = keyValue;

const attributes = fc.array(keyValue, { maxLength: 4 });

const exemplar = fc.record(
  {
    filteredAttributes: attributes,
    timeUnixNano: uint64,
    asInt: int64,
    spanId: bytes,
    traceId: bytes,
  },
  { requiredKeys: [] },
);

const times = { startTimeUnixNano: uint64, timeUnixNano: uint64, flags: uint32, attributes };
const exemplars = fc.array(exemplar, { maxLength: 2 });

const numberPoint = fc.oneof(
  fc.record({ ...times, exemplars }, { requiredKeys: [] }),
  fc.record({ ...times, exemplars, asInt: int64 }, { requiredKeys: ["asInt"] }),
  fc.record({ ...times, exemplars, asDouble: fc.double() }, { requiredKeys: ["asDouble"] }),
);

const histogramPoint = fc.record(
  {
    ...times,
    exemplars,
    count: uint64,
    sum: fc.double(),
    bucketCounts: fc.array(uint64, { maxLength: 5 }),
    explicitBounds: fc.array(fc.double(), { maxLength: 5 }),
    min: fc.double(),
    max: fc.double(),
  },
  { requiredKeys: [] },
);

const buckets = fc.record(
  { offset: fc.integer(), bucketCounts: fc.array(fc.oneof(uint64, fc.constant("0")), { maxLength: 5 }) },
  { requiredKeys: [] },
);

const exponentialPoint = fc.record(
  {
    ...times,
    exemplars,
    count: uint64,
    sum: fc.double(),
    scale: fc.integer(),
    zeroCount: uint64,
    positive: buckets,
    negative: buckets,
    min: fc.double(),
    max: fc.double(),
    zeroThreshold: fc.double(),
  },
  { requiredKeys: [] },
);

const summaryPoint = fc.record(
  {
    ...times,
    count: uint64,
    sum: fc.double(),
    quantileValues: fc.array(fc.record({ quantile: fc.double(), value: fc.double() }), { maxLength: 2 }),
  },
  { requiredKeys: [] },
);

const aggregationTemporality = fc.nat({ max: 2 });
const points = (point: fc.Arbitrary<object>): fc.Arbitrary<object[]> => fc.array(point, { maxLength: 3 });

const data = fc.oneof(
  fc.constant({}),
  fc.record({ gauge: fc.record({ dataPoints: points(numberPoint) }) }),
  fc.record({
    sum: fc.record({ dataPoints: points(numberPoint), aggregationTemporality, isMonotonic: fc.boolean() }),
  }),
  fc.record({ histogram: fc.record({ dataPoints: points(histogramPoint), aggregationTemporality }) }),
  fc.record({ exponentialHistogram: fc.record({ dataPoints: points(exponentialPoint), aggregationTemporality }) }),
  fc.record({ summary: fc.record({ dataPoints: points(summaryPoint) }) }),
);

const metric = fc
  .tuple(fc.record({ name: text, description: text, unit: text, metadata: attributes }, { requiredKeys: [] }), data)
  .map(([head, body]) => ({ ...head, ...body }));

const scopeMetrics = fc.record(
  {
    scope: fc.record({ name: text, version: text, attributes, droppedAttributesCount: uint32 }, { requiredKeys: [] }),
    metrics: fc.array(metric, { maxLength: 3 }),
    schemaUrl: text,
  },
  { requiredKeys: [] },
);

const resourceMetrics = fc.record(
  {
    resource: fc.record({ attributes, droppedAttributesCount: uint32 }, { requiredKeys: [] }),
    scopeMetrics: fc.array(scopeMetrics, { maxLength: 2 }),
    schemaUrl: text,
  },
  { requiredKeys: [] },
);

/** A random request. */
export const arbitraryRequest: fc.Arbitrary<{ resourceMetrics: object[] }> = fc.record({
  resourceMetrics: fc.array(resourceMetrics, { maxLength: 3 }),
});
