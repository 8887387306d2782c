/** Protobuf and JSON by hand, for bodies that no encoder would write. */
import { varint } from "../otlp/rewritten-message.ts";

export { varint } from "../otlp/rewritten-message.ts";

/** A field with a length. */
export function bytes(field: number, ...parts: readonly (Uint8Array | string | readonly Uint8Array[])[]): Buffer {
  const payload = Buffer.concat(
    parts.flatMap((part) => (Array.isArray(part) ? (part as Uint8Array[]) : Buffer.from(part as Uint8Array))),
  );
  return Buffer.concat([varint(BigInt(field * 8 + 2)), varint(BigInt(payload.length)), payload]);
}

/** A field of eight bytes. */
export function fixed64(field: number, value: bigint): Buffer {
  const payload = Buffer.alloc(8);
  payload.writeBigUInt64LE(BigInt.asUintN(64, value));
  return Buffer.concat([varint(BigInt(field * 8 + 1)), payload]);
}

/** A field with a varint. */
export function number(field: number, value: bigint): Buffer {
  return Buffer.concat([varint(BigInt(field * 8)), varint(value)]);
}

/** A `KeyValue` in a field; the value is an `AnyValue` message or text. */
export function keyValue(field: number, key: string | Uint8Array, value: string | Uint8Array): Buffer {
  const any = typeof value === "string" ? bytes(1, value) : value;
  return bytes(field, bytes(1, key), bytes(2, any));
}

/** A request with one resource, scope and metric; `metric` holds the fields of its `Metric`. */
export function requestOf(
  metric: readonly Uint8Array[],
  resource: readonly Uint8Array[] = [service("hostile")],
): Buffer {
  return bytes(1, bytes(1, resource), bytes(2, bytes(1, bytes(1, "corpus")), bytes(2, ...metric)));
}

/** The resource attribute that names a service. */
export function service(name: string | Uint8Array): Buffer {
  return bytes(1, bytes(1, "service.name"), bytes(2, bytes(1, name)));
}

/** The fields of a metric of our table that is a cumulative, monotonic sum with these points. */
export function sumMetric(points: readonly Uint8Array[], temporality: bigint = 2n): readonly Uint8Array[] {
  const data = bytes(
    7,
    points.map((one) => bytes(1, one)),
    number(2, temporality),
    number(3, 1n),
  );
  return [bytes(1, "bandwidth.http.server.io"), bytes(3, "By"), data];
}

/** The fields of a `NumberDataPoint` that counts bytes received. */
export function point(start: bigint, time: bigint, value: bigint, ...more: readonly Uint8Array[]): Buffer {
  const direction = keyValue(7, "network.io.direction", "receive");
  return Buffer.concat([direction, fixed64(2, start), fixed64(3, time), fixed64(6, value), ...more]);
}

/** The same bytes so many times. */
export function repeated(part: Uint8Array, times: number): Buffer {
  return Buffer.alloc(part.length * times, part);
}

/** An `AnyValue` of so many arrays in each other. */
export function nestedArrays(levels: number): Buffer {
  let value: Buffer = Buffer.alloc(0);
  for (let level = 0; level < levels; level += 1) value = bytes(5, bytes(1, value));
  return value;
}

/** A request in OTLP/JSON with one point of a cumulative sum; `pointJson` are members of the point, as text. */
export function jsonRequest(pointJson: string, resourceJson: string = '"attributes":[]', more: string = ""): string {
  const metric = `{"name":"bandwidth.http.server.io","unit":"By","sum":{"aggregationTemporality":2,"isMonotonic":true,"dataPoints":[{"attributes":[{"key":"network.io.direction","value":{"stringValue":"receive"}}],${pointJson}}]}}`;
  return `{"resourceMetrics":[{"resource":{${resourceJson}},"scopeMetrics":[{"scope":{"name":"corpus"},"metrics":[${metric}]}]}]${more}}`;
}
