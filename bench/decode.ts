/** The decoder alone: points a CPU second of our walk over a request, against protobufjs decoding the same bodies. */
import protobuf from "protobufjs";
import type { MetricVisitor } from "../src/model/metric-visitor.ts";
import { walkMetrics } from "../src/otlp/walk-metrics.ts";
import { LoadGenerator, type PayloadName, PAYLOADS } from "./payloads.ts";
import { median, thousandsWithSpread } from "./statistics.ts";

/** How the bench is run. */
export interface DecodeOptions {
  readonly payload: PayloadName;
  readonly rounds: number;
  /** How long each decoder works in a round. */
  readonly seconds: number;
}

const BODY_COUNT = 20;

/** The part of opentelemetry/proto/metrics/v1/metrics.proto that the load uses. */
const PROTO = `syntax = "proto3";
message Request { repeated ResourceMetrics resource_metrics = 1; }
message ResourceMetrics { Resource resource = 1; repeated ScopeMetrics scope_metrics = 2; string schema_url = 3; }
message Resource { repeated KeyValue attributes = 1; uint32 dropped_attributes_count = 2; }
message ScopeMetrics { Scope scope = 1; repeated Metric metrics = 2; string schema_url = 3; }
message Scope { string name = 1; string version = 2; repeated KeyValue attributes = 3; }
message Metric {
  string name = 1; string description = 2; string unit = 3;
  oneof data { Sum sum = 7; Histogram histogram = 9; }
}
message Sum { repeated NumberDataPoint data_points = 1; int32 aggregation_temporality = 2; bool is_monotonic = 3; }
message Histogram { repeated HistogramDataPoint data_points = 1; int32 aggregation_temporality = 2; }
message NumberDataPoint {
  fixed64 start_time_unix_nano = 2; fixed64 time_unix_nano = 3; repeated KeyValue attributes = 7;
  oneof value { double as_double = 4; sfixed64 as_int = 6; } uint32 flags = 8;
}
message HistogramDataPoint {
  repeated KeyValue attributes = 9; fixed64 start_time_unix_nano = 2; fixed64 time_unix_nano = 3; fixed64 count = 4;
  optional double sum = 5; repeated fixed64 bucket_counts = 6; repeated double explicit_bounds = 7; uint32 flags = 10;
  optional double min = 11; optional double max = 12;
}
message KeyValue { string key = 1; AnyValue value = 2; }
message AnyValue { oneof value { string string_value = 1; bool bool_value = 2; int64 int_value = 3; double double_value = 4; } }`;

/** Runs the bench and prints its figures. Throws when the decoders do not find the points that were encoded. */
export function benchDecode({ payload, rounds, seconds }: DecodeOptions): void {
  const generator = new LoadGenerator(PAYLOADS[payload], BODY_COUNT, Date.now());
  const bodies = Array.from({ length: BODY_COUNT }, () => generator.next());
  const points = generator.pointsPerRequest;
  const type = protobuf.parse(PROTO).root.lookupType("Request");
  checkProtobufjs(type, bodies[0]!, points);
  const visitor = new CountingVisitor();
  const ours: number[] = [];
  const theirs: number[] = [];
  for (let round = 0; round <= rounds; round += 1) {
    const walked = pointsPerCpuSecond(bodies, points, seconds, (body) => {
      visitor.points = 0;
      const result = walkMetrics(body, visitor);
      if (result.kind !== "success" || visitor.points !== points) throw new Error(`the walk found ${visitor.points}`);
    });
    const decoded = pointsPerCpuSecond(bodies, points, seconds, (body) => type.decode(body));
    // Nothing is warm in the first round.
    if (round === 0) continue;
    ours.push(walked);
    theirs.push(decoded);
  }
  console.log(`decode ${payload}: walk       ${thousandsWithSpread(ours)} points per CPU-second`);
  console.log(`decode ${payload}: protobufjs ${thousandsWithSpread(theirs)} points per CPU-second`);
  const ratios = ours.map((value, index) => value / theirs[index]!);
  console.log(`decode ${payload}: ratio ${median(ratios).toFixed(1)}`);
}

/** Reads what a fold would read of each point, and nothing of its attributes. */
class CountingVisitor implements MetricVisitor {
  points = 0;
  resource(): void {}
  scope(): boolean {
    return true;
  }
  metric(): boolean {
    return true;
  }
  point(): void {
    this.points += 1;
  }
  skipped(): void {}
}

function checkProtobufjs(type: protobuf.Type, body: Uint8Array, points: number): void {
  const decoded = JSON.stringify(type.decode(body));
  const found = decoded.split('"timeUnixNano"').length - 1;
  if (found !== points) throw new Error(`protobufjs found ${found} points, encoded were ${points}`);
}

function pointsPerCpuSecond(
  bodies: readonly Uint8Array[],
  pointsPerBody: number,
  seconds: number,
  decode: (body: Uint8Array) => unknown,
): number {
  const deadline = performance.now() + 1000 * seconds;
  const before = process.cpuUsage();
  let decoded = 0;
  while (performance.now() < deadline) {
    for (const body of bodies) decode(body);
    decoded += bodies.length * pointsPerBody;
  }
  const { user, system } = process.cpuUsage(before);
  return decoded / ((user + system) / 1e6);
}
