import fc from "fast-check";
import { describe, expect, test } from "vitest";

import { jsonToProtobuf } from "../../src/otlp/json-to-protobuf.ts";
import { arbitraryRequest } from "./arbitrary-request.ts";
import { RequestType } from "./otlp-proto.ts";
import { recordWalk, type WalkEvent } from "./recorded-walk.ts";

function transcode(json: string | Uint8Array): Uint8Array {
  const result = jsonToProtobuf(Buffer.from(json));
  if (result.kind !== "success") throw new Error(result.reason);
  return result.value;
}

function reasonOf(json: string | Uint8Array): string {
  const result = jsonToProtobuf(Buffer.from(json));
  return result.kind === "success" ? "success" : `${result.kind} ${result.code}: ${result.reason}`;
}

/** A request with one metric, whose JSON is given. */
function withMetric(metric: string): string {
  return `{"resourceMetrics":[{"scopeMetrics":[{"metrics":[${metric}]}]}]}`;
}

function withPoint(point: string): string {
  return withMetric(`{"sum":{"dataPoints":[${point}]}}`);
}

function pointOf(json: string): Record<string, unknown> {
  return eventOf(json, "point")[1] as Record<string, unknown>;
}

function eventOf(json: string, name: string): WalkEvent {
  const found = recordWalk(transcode(json)).events.find((event) => event[0] === name);
  if (found === undefined) throw new Error(`no event ${name}`);
  return found;
}

/** JSON as exporters write it: bytes in base64, doubles that JSON has no numbers for in quotes. */
function toJson(request: object): string {
  return JSON.stringify(request, function (this: Record<string, unknown>, key, value: unknown) {
    const original = this[key];
    if (Buffer.isBuffer(original)) return original.toString(key.endsWith("Id") ? "hex" : "base64");
    // JSON.stringify writes -0 as 0.
    if (Object.is(value, -0)) return "-0";
    return typeof value === "number" && !Number.isFinite(value) ? String(value) : value;
  });
}

describe("OTLP/JSON", () => {
  test("means what the same request means in protobuf", () => {
    fc.assert(
      fc.property(arbitraryRequest, (request) => {
        const protobuf = RequestType.encode(RequestType.fromObject(request)).finish();
        const fromJson = recordWalk(transcode(toJson(request)));
        expect(fromJson.events).toEqual(recordWalk(protobuf).events);
        expect(fromJson.result.kind).toBe("success");
      }),
      { numRuns: 300 },
    );
  });

  test.each(["123", '"123"', "123.0", "1.23e2", '"12300e-2"', "1230E-1"])("takes the integer %s", (digits) => {
    expect(pointOf(withPoint(`{"asInt":${digits}}`))).toMatchObject({ valueKind: "int", int: 123n });
  });

  test.each(["9007199254740993", '"9007199254740993"', "9.007199254740993e15"])("keeps every digit of %s", (digits) => {
    expect(pointOf(withPoint(`{"asInt":${digits}}`)).int).toBe(9_007_199_254_740_993n);
  });

  test("keeps 64-bit integers to their bounds", () => {
    expect(pointOf(withPoint('{"asInt":-9223372036854775808}')).int).toBe(-(2n ** 63n));
    expect(pointOf(withPoint('{"timeUnixNano":18446744073709551615}')).time).toBe(2n ** 64n - 1n);
  });

  test.each([
    ['"NaN"', Number.NaN],
    ['"Infinity"', Number.POSITIVE_INFINITY],
    ['"-Infinity"', Number.NEGATIVE_INFINITY],
    ["-0.0", -0],
    ["1e-7", 1e-7],
    ["9007199254740993", 9_007_199_254_740_992],
    ['"2.5"', 2.5],
  ])("takes the double %s", (json, double) => {
    expect(pointOf(withPoint(`{"asDouble":${json}}`))).toMatchObject({ valueKind: "double", double });
  });

  test("ignores unknown fields, those in snake case and __proto__", () => {
    const plain = recordWalk(transcode(withPoint('{"asInt":1}')));
    const strange =
      '{"asInt":1,"as_int":2,"time_unix_nano":"3","x":{"y":[1]},"__proto__":{"asDouble":4},"constructor":5}';
    expect(recordWalk(transcode(withPoint(strange)))).toEqual(plain);
    expect(({} as Record<string, unknown>)["asDouble"]).toBeUndefined();
  });

  test("ignores the ids of exemplars, whatever they are", () => {
    const exemplar = '{"traceId":"5B8EFFF798038103D269B633813FC60C","spanId":"not hex","asInt":"1"}';
    expect(pointOf(withPoint(`{"asInt":1,"exemplars":[${exemplar}]}`)).int).toBe(1n);
  });

  test("takes null as absent", () => {
    const json = withPoint('{"asInt":1,"asDouble":null,"attributes":null,"startTimeUnixNano":null}');
    expect(pointOf(json)).toMatchObject({ valueKind: "int", int: 1n, start: 0n });
  });

  test("takes a byte order mark, an empty object and no resource metrics", () => {
    expect(transcode("\uFEFF{}").length).toBe(0);
    expect(transcode('{"resourceMetrics":[]}').length).toBe(0);
  });

  test("takes enums as integers only", () => {
    const withTemporality = (value: string): string => withMetric(`{"sum":{"aggregationTemporality":${value}}}`);
    expect(eventOf(withTemporality("2"), "metric")[4]).toBe("cumulative");
    for (const value of ['"AGGREGATION_TEMPORALITY_DELTA"', '"2"', "1.5", "true"]) {
      expect(reasonOf(withTemporality(value))).toMatch(/^failure invalid: expected an integer/);
    }
  });

  test.each([
    ["", "the body is not JSON"],
    ["{", "the body is not JSON"],
    ["[]", "expected an object at $"],
    ["null", "expected an object at $"],
    ['{"resourceMetrics":{}}', "expected an array at $.resourceMetrics"],
    ['{"resourceMetrics":[null]}', "expected an object at $.resourceMetrics[0]"],
    [withMetric('{"name":5}'), "expected a string at $.resourceMetrics[0].scopeMetrics[0].metrics[0].name"],
    [
      withMetric('{"sum":{},"gauge":{}}'),
      "expected nothing, as sum is set at $.resourceMetrics[0].scopeMetrics[0].metrics[0].gauge",
    ],
  ])("answers invalid to %s and says where", (json, reason) => {
    expect(reasonOf(json)).toBe(`failure invalid: ${reason}`);
  });

  test.each([
    '{"asInt":1.5}',
    '{"asInt":"1 "}',
    '{"asInt":""}',
    '{"asInt":"0x1"}',
    '{"asInt":true}',
    '{"asInt":9223372036854775808}',
    '{"asInt":1e400}',
    '{"asInt":1e99999}',
    '{"asInt":1,"asDouble":1}',
    '{"timeUnixNano":-1}',
    '{"timeUnixNano":"18446744073709551616"}',
    '{"flags":4294967296}',
    '{"asDouble":"nan"}',
    '{"asDouble":"1.5x"}',
    '{"asDouble":1e999}',
    '{"attributes":[{"key":"a","value":{"boolValue":1}}]}',
    '{"attributes":[{"key":"a","value":{"bytesValue":"*"}}]}',
    '{"attributes":[{"key":"a","value":{"intValue":1,"stringValue":"b"}}]}',
  ])("answers invalid to the point %s", (point) => {
    expect(reasonOf(withPoint(point))).toMatch(/^failure invalid: expected /);
  });

  test("answers invalid to text that is not UTF-8", () => {
    expect(reasonOf(Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x7d]))).toBe("failure invalid: the body is not UTF-8");
  });

  test.each(["[", '{"a":'])("answers invalid to 200,000 levels of %s, without a stack overflow", (opening) => {
    expect(reasonOf(opening.repeat(200_000))).toBe("failure invalid: the body is nested deeper than 100 levels");
  });

  test("does not take brackets in strings for nesting", () => {
    expect(eventOf(withMetric(`{"name":"${'[{\\"'.repeat(200)}"}`), "metric")[1]).toBe('[{"'.repeat(200));
  });

  test("never throws on text that was changed", () => {
    const changes = fc.array(fc.tuple(fc.nat(), fc.nat({ max: 127 })), { maxLength: 4 });
    fc.assert(
      fc.property(arbitraryRequest, changes, (request, edits) => {
        const body = Buffer.from(toJson(request));
        for (const [position, byte] of edits) body[position % body.length] = byte;
        expect(["success", "failure"]).toContain(jsonToProtobuf(body).kind);
      }),
      { numRuns: 500 },
    );
  });
});
