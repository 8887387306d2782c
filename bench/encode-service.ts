/** Encodes what a service of the load says of itself once: all that does not change from export to export. */
import { ProtobufWriter } from "./protobuf-writer.ts";

/** Buckets of each histogram. */
export const BUCKET_COUNT = 15;
/** Upper bounds of the buckets of durations, seconds. */
export const DURATION_BOUNDS: readonly number[] = [
  0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10,
];
/** Upper bounds of the buckets of body sizes, bytes. */
export const SIZE_BOUNDS: readonly number[] = [
  64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384, 32768, 65536, 131072, 262144, 1048576,
];
/** Stand for the start and the time of a point, which are written later: numbers rare enough to be found again. */
export const START_MARK = 0x1f_edcb_a987;
/** See {@link START_MARK}. */
export const TIME_MARK = 0x1f_edcb_a988;

const STATUS_CODES = [200, 201, 204, 404, 500];
const METHODS = ["GET", "POST", "PUT", "DELETE", "PATCH"];
const CUMULATIVE = 2;

/**
 * A request with the `ResourceMetrics` of one service, all values zero. The values of a point follow its time in this
 * order: of a histogram the count, the sum and the packed bucket counts, of a sum `as_int`.
 */
export function encodeService(name: string, routeCount: number): Buffer {
  const resource = new ProtobufWriter()
    .bytes(1, attribute("service.name", name))
    .bytes(1, attribute("service.namespace", "bench"))
    .bytes(1, attribute("deployment.environment.name", "load"))
    .bytes(1, attribute("telemetry.sdk.name", "opentelemetry"))
    .finish();
  const scope = new ProtobufWriter().bytes(1, "bench").bytes(2, "1.0.0").finish();
  const routes = Array.from({ length: routeCount }, (_, route) => route);
  const metrics = new ProtobufWriter().bytes(1, scope);
  metrics.bytes(2, encodeHistogram("http.server.request.duration", "s", DURATION_BOUNDS, routes));
  metrics.bytes(2, encodeHistogram("http.server.request.body.size", "By", SIZE_BOUNDS, routes));
  metrics.bytes(2, encodeHistogram("http.server.response.body.size", "By", SIZE_BOUNDS, routes));
  metrics.bytes(2, encodeSum("bandwidth.http.server.io", "By", routes));
  const resourceMetrics = new ProtobufWriter().bytes(1, resource).bytes(2, metrics.finish()).finish();
  return new ProtobufWriter().bytes(1, resourceMetrics).finish();
}

function encodeHistogram(name: string, unit: string, bounds: readonly number[], routes: readonly number[]): Buffer {
  const packedBounds = Buffer.alloc(8 * bounds.length);
  for (const [index, bound] of bounds.entries()) packedBounds.writeDoubleLE(bound, 8 * index);
  const data = new ProtobufWriter();
  for (const route of routes) {
    const point = new ProtobufWriter()
      .fixed64(2, START_MARK)
      .fixed64(3, TIME_MARK)
      .fixed64(4, 0)
      .double(5, 0)
      .bytes(6, Buffer.alloc(8 * BUCKET_COUNT))
      .bytes(7, packedBounds);
    for (const each of [...routeAttributes(route), attribute("network.protocol.version", "1.1")]) point.bytes(9, each);
    data.bytes(1, point.finish());
  }
  data.varint(2, CUMULATIVE);
  return new ProtobufWriter().bytes(1, name).bytes(3, unit).bytes(9, data.finish()).finish();
}

function encodeSum(name: string, unit: string, routes: readonly number[]): Buffer {
  const data = new ProtobufWriter();
  for (const route of routes) {
    for (const direction of ["receive", "transmit"]) {
      const point = new ProtobufWriter().fixed64(2, START_MARK).fixed64(3, TIME_MARK).fixed64(6, 0);
      for (const each of [...routeAttributes(route), attribute("network.io.direction", direction)]) {
        point.bytes(7, each);
      }
      data.bytes(1, point.finish());
    }
  }
  data.varint(2, CUMULATIVE).varint(3, 1);
  return new ProtobufWriter().bytes(1, name).bytes(3, unit).bytes(7, data.finish()).finish();
}

function routeAttributes(route: number): Buffer[] {
  return [
    attribute("http.request.method", METHODS[route % METHODS.length]!),
    attribute("http.route", `/api/v1/resource-${Math.floor(route / 5)}/:id`),
    attribute("http.response.status_code", STATUS_CODES[Math.floor(route / 7) % STATUS_CODES.length]!),
    attribute("url.scheme", "https"),
    attribute("server.address", "api.example.com"),
  ];
}

function attribute(key: string, value: string | number): Buffer {
  const any = new ProtobufWriter();
  if (typeof value === "string") any.bytes(1, value);
  else any.varint(3, value);
  return new ProtobufWriter().bytes(1, key).bytes(2, any.finish()).finish();
}
