import fc from "fast-check";
import { describe, expect, test } from "vitest";

import type { Result } from "../../src/model/result.ts";
import { DEFAULT_WALK_LIMITS } from "../../src/otlp/walk-limits.ts";
import { walkMetrics } from "../../src/otlp/walk-metrics.ts";
import { arbitraryRequest } from "./arbitrary-request.ts";
import { expectedEvents } from "./expected-walk.ts";
import { RequestType } from "./otlp-proto.ts";
import { recordWalk } from "./recorded-walk.ts";
import { rewriteMessage, varint } from "./rewritten-message.ts";

const NOTHING = { resource() {}, scope: () => true, metric: () => true, point() {}, skipped() {} };

function encode(request: object): Uint8Array {
  return RequestType.encode(RequestType.fromObject(request)).finish();
}

function metricOf(metric: object): Uint8Array {
  return encode({ resourceMetrics: [{ scopeMetrics: [{ metrics: [metric] }] }] });
}

/** A field with a length. */
function field(number: number, ...payload: (Uint8Array | number[])[]): Buffer {
  const body = Buffer.concat(payload.map((part) => Buffer.from(part)));
  return Buffer.concat([varint(BigInt(number * 8 + 2)), varint(BigInt(body.length)), body]);
}

/** A request with one metric of these bytes. */
function requestWith(...metric: Uint8Array[]): Buffer {
  return field(1, field(2, field(2, ...metric)));
}

/** A request with one point of a sum of these bytes. */
function sumPoint(...point: (Uint8Array | number[])[]): Buffer {
  return requestWith(field(7, field(1, ...point)));
}

function codeOf(result: Result<number>): string {
  return result.kind === "success" ? `success ${result.value}` : `${result.kind} ${result.code}`;
}

function walkCode(body: Uint8Array): string {
  return codeOf(walkMetrics(body, NOTHING));
}

describe("walkMetrics on well-formed requests", () => {
  test("passes what protobufjs decodes", () => {
    fc.assert(
      fc.property(arbitraryRequest, (request) => {
        const body = encode(request);
        const { result, events } = recordWalk(body);
        expect(events).toEqual(expectedEvents(body));
        expect(result).toEqual({ kind: "success", value: events.filter(([name]) => name === "point").length });
      }),
      { numRuns: 300 },
    );
  });

  test("passes the same however protobuf allows the request to be written", () => {
    fc.assert(
      fc.property(arbitraryRequest, fc.infiniteStream(fc.nat({ max: 2 ** 30 })), (request, stream) => {
        const body = encode(request);
        const rewritten = rewriteMessage(RequestType, body, (bound) => stream.next().value! % bound);
        const walk = recordWalk(rewritten);
        expect(walk.events).toEqual(recordWalk(body).events);
        expect(walk.result.kind).toBe("success");
      }),
      { numRuns: 500 },
    );
  });

  test("counts and checks the points of metrics that are not wanted", () => {
    fc.assert(
      fc.property(arbitraryRequest, (request) => {
        const body = encode(request);
        const unwanted = recordWalk(body, false);
        const points = unwanted.events.filter(([name]) => name === "skipped").map((event) => event[2] as number);
        expect(unwanted.result).toEqual(recordWalk(body).result);
        expect(unwanted.result).toEqual({ kind: "success", value: points.reduce((sum, count) => sum + count, 0) });
        expect(unwanted.events.every(([name]) => name !== "point")).toBe(true);
      }),
      { numRuns: 50 },
    );
  });

  test("gives the range of each ResourceMetrics, so that a request can be split by copying", () => {
    fc.assert(
      fc.property(arbitraryRequest, (request) => {
        const body = encode(request);
        const parts: Uint8Array[] = [];
        const resource = (_bytes: Uint8Array, _start: number, _end: number, from: number, to: number): void => {
          parts.push(body.subarray(from, to));
        };
        walkMetrics(body, { ...NOTHING, resource });
        expect(parts.flatMap((part) => recordWalk(part).events)).toEqual(recordWalk(body).events);
      }),
      { numRuns: 50 },
    );
  });

  test("gives the range of each metric", () => {
    const body = metricOf({ name: "webrtc.io", unit: "By" });
    let range: Uint8Array = new Uint8Array(0);
    walkMetrics(body, { ...NOTHING, metric: ({ start, end }) => ((range = body.subarray(start, end)), true) });
    expect(Buffer.from(requestWith(range))).toEqual(Buffer.from(body));
  });

  test("skips the metrics of a scope that is not wanted", () => {
    const body = metricOf({ name: "webrtc.io", sum: { dataPoints: [{}] } });
    const called: string[] = [];
    const visitor = { ...NOTHING, scope: () => false, metric: () => (called.push("metric"), true) };
    expect(walkMetrics(body, visitor)).toEqual({ kind: "success", value: 0 });
    expect(called).toEqual([]);
  });

  test("accepts an empty request", () => expect(walkCode(new Uint8Array(0))).toBe("success 0"));

  test("reads names again that it has seen before, and longer ones than it remembers", () => {
    for (const name of ["webrtc.io", "webrtc.io", "ünïcode 😀", "x".repeat(300), "webrtc.oi"]) {
      expect(recordWalk(metricOf({ name })).events.at(-1)).toEqual(["metric", name, "", "none", "unspecified", false]);
    }
  });
});

describe("walkMetrics on malformed requests", () => {
  test("never throws on a request that is cut off, and agrees with protobufjs on whether it is one", () => {
    fc.assert(
      fc.property(arbitraryRequest, (request) => {
        const body = encode(request);
        for (let length = 0; length < body.length; length += 1) {
          const prefix = body.subarray(0, length);
          const { result, events } = recordWalk(prefix);
          const expected = attempt(() => expectedEvents(prefix));
          if (expected === undefined) expect(codeOf(result)).toBe("failure invalid");
          else expect(events).toEqual(expected);
        }
      }),
      { numRuns: 30 },
    );
  });

  test("never throws on bytes that were changed", () => {
    const change = fc.tuple(fc.nat(), fc.nat({ max: 255 }));
    fc.assert(
      fc.property(arbitraryRequest, fc.array(change, { minLength: 1, maxLength: 5 }), (request, changes) => {
        const body = encode(request);
        if (body.length === 0) return;
        for (const [position, byte] of changes) body[position % body.length] = byte;
        expect(["success", "failure"]).toContain(walkMetrics(body, NOTHING).kind);
      }),
      { numRuns: 1000 },
    );
  });

  test("never throws on random bytes", () => {
    fc.assert(
      fc.property(fc.uint8Array(), (body) => {
        expect(walkCode(body)).toMatch(/^(success|failure) /);
      }),
    );
  });

  test.each<[string, Uint8Array]>([
    ["a group", Buffer.from([0x0b, 0x0c])],
    ["an unknown group", sumPoint([0xa3, 0x06, 0xa4, 0x06])],
    ["a reserved wire type", sumPoint([0x0f])],
    ["field number 0", sumPoint([0x02, 0x00])],
    ["a tag above 32 bits", sumPoint([0xf8, 0xff, 0xff, 0xff, 0xff, 0x01, 0x00])],
    ["a varint of 11 bytes", sumPoint([0x40, ...Array.from({ length: 10 }, () => 0x80), 0x00])],
    ["a wrong wire type of a known field", sumPoint([0x10, 0x01])],
    ["a length beyond its message", sumPoint([0x3a, 0x05, 0x00])],
    ["a length of 2^63", sumPoint([0x3a, ...Array.from({ length: 9 }, () => 0x80), 0x01])],
    ["a fixed64 that is cut off", sumPoint([0x19, 0x01, 0x02])],
    ["packed doubles that are cut off", requestWith(field(9, field(1, field(7, [1, 2, 3]))))],
    ["packed varints that are cut off", requestWith(field(10, field(1, field(8, field(2, [0x80])))))],
    ["a metric name that is not UTF-8", requestWith(field(1, [0xff]))],
    ["an attribute key that is not UTF-8", sumPoint(field(7, field(1, [0xc3, 0x28])))],
    ["a replaced oneof member that is malformed", requestWith(field(5, field(1, [0x0f])), field(7))],
    ["a value that reaches into the next attribute", sumPoint([0x3a, 0x04, 0x12, 0x04, 0x0a, 0x02, 0x3a, 0x00])],
  ])("answers invalid to %s", (_name, body) => {
    expect(walkCode(body)).toBe("failure invalid");
  });

  test("says what is wrong and where", () => {
    expect(walkMetrics(Buffer.from([0x0a, 0x05, 0x00]), NOTHING)).toEqual({
      kind: "failure",
      code: "invalid",
      reason: "a length reaches beyond its message (at byte 1)",
    });
  });

  test("accepts text values that are not UTF-8: they come from the traffic", () => {
    expect(walkCode(sumPoint(field(7, field(1, Buffer.from("url.path")), field(2, field(1, [0xff])))))).toBe(
      "success 1",
    );
  });

  test("accepts tags and lengths that are longer than they must be", () => {
    expect(walkCode(sumPoint([0x99, 0x00, 1, 2, 3, 4, 5, 6, 7, 8]))).toBe("success 1");
    expect(walkCode(sumPoint([0x3a, 0x80, 0x00]))).toBe("success 1");
  });
});

describe("the limits of walkMetrics", () => {
  const nested = (levels: number): Buffer => {
    // From the inside out; only the tags and lengths are kept, so that many levels stay cheap.
    const heads: Buffer[] = [];
    for (let level = 0, length = 0; level < levels; level += 1) {
      for (const number of [1, 5]) {
        const head = Buffer.concat([varint(BigInt(number * 8 + 2)), varint(BigInt(length))]);
        heads.push(head);
        length += head.length;
      }
    }
    return sumPoint(field(7, field(1, [0x61]), field(2, ...heads.toReversed())));
  };

  test("nesting up to 32 levels is read, one more is invalid", () => {
    // Request to AnyValue are 7 levels, each array adds two.
    expect(walkCode(nested(12))).toBe("success 1");
    expect(walkCode(nested(13))).toBe("failure invalid");
  });

  test("nesting far beyond is invalid and no stack overflow", () => {
    expect(walkCode(nested(20_000))).toBe("failure invalid");
  });

  test("as many points as the limit are read, one more is too large", () => {
    const limits = { ...DEFAULT_WALK_LIMITS, maxPoints: 3 };
    const points = (count: number): Uint8Array =>
      metricOf({ gauge: { dataPoints: Array.from({ length: count }, () => ({})) } });
    expect(codeOf(walkMetrics(points(3), NOTHING, limits))).toBe("success 3");
    expect(codeOf(walkMetrics(points(4), NOTHING, limits))).toBe("failure too_large");
  });

  test("as many resources, scopes and metrics as the limits are read, empty ones too, one more is too large", () => {
    const limits = { ...DEFAULT_WALK_LIMITS, maxResources: 2, maxScopes: 3, maxMetrics: 4 };
    const empty = (count: number): object[] => Array.from({ length: count }, () => ({}));
    const resources = (count: number): Uint8Array => encode({ resourceMetrics: empty(count) });
    const scopes = (count: number): Uint8Array => encode({ resourceMetrics: [{}, { scopeMetrics: empty(count) }] });
    const metrics = (count: number): Uint8Array =>
      encode({ resourceMetrics: [{ scopeMetrics: [{}, { metrics: empty(count) }] }] });
    for (const [make, most] of [
      [resources, 2],
      [scopes, 3],
      [metrics, 4],
    ] as const) {
      expect(codeOf(walkMetrics(make(most), NOTHING, limits))).toBe("success 0");
      expect(codeOf(walkMetrics(make(most + 1), NOTHING, limits))).toBe("failure too_large");
    }
  });

  test("as many attributes as the limit are read, one more is too large", () => {
    const limits = { ...DEFAULT_WALK_LIMITS, maxAttributes: 2 };
    const attributes = (count: number): object[] => Array.from({ length: count }, (_, index) => ({ key: `k${index}` }));
    const ofPoint = (count: number): Uint8Array =>
      metricOf({ gauge: { dataPoints: [{ attributes: attributes(count) }] } });
    const ofResource = (count: number): Uint8Array =>
      encode({ resourceMetrics: [{ resource: { attributes: attributes(count) } }] });
    for (const make of [ofPoint, ofResource]) {
      expect(codeOf(walkMetrics(make(2), NOTHING, limits))).toMatch(/^success/);
      expect(codeOf(walkMetrics(make(3), NOTHING, limits))).toBe("failure too_large");
    }
  });
});

function attempt<T>(action: () => T): T | undefined {
  try {
    return action();
  } catch {
    return undefined;
  }
}
