import { describe, expect, it } from "vitest";
import { stampRequest } from "../../src/otlp/stamp-request.ts";
import { valueOf } from "../support/log-entries.ts";
import { otlpRequest, type TestMetric, type TestResource } from "../support/otlp-request.ts";
import { RequestType } from "./otlp-proto.ts";
import { varint } from "./rewritten-message.ts";

const RECEIVED_MILLIS = 1_800_000_000_123;
const RECEIVED = BigInt(RECEIVED_MILLIS) * 1_000_000n;
const IDENTITY = { meeting: "standup", participant: "änn" };

function sum(time: bigint, start: bigint = 1n): TestMetric {
  const point = { start, time, value: 5n, attributes: { "network.io.direction": "receive" } };
  return { name: "webrtc.io", unit: "By", sum: [point, { ...point, value: 6n }] };
}

function histogram(time: bigint): TestMetric {
  const point = { start: 1n, time, count: 2n, sum: 0.5, scale: 3, offset: -4, bucketCounts: [1n, 1n] };
  return { name: "webrtc.round_trip_time", unit: "s", exponential: [point] };
}

/** The request as plain objects; 64-bit integers as text. */
function decoded(body: Uint8Array): object {
  return RequestType.toObject(RequestType.decode(body), { longs: String });
}

function stamped(resources: readonly TestResource[]): object {
  return decoded(valueOf(stampRequest(otlpRequest(resources), IDENTITY, RECEIVED_MILLIS)));
}

/** The same request with these times and with the identity last among the attributes of each resource. */
function expected(resources: readonly TestResource[]): object {
  const identity = { "webrtc.meeting.id": IDENTITY.meeting, "webrtc.participant.id": IDENTITY.participant };
  return decoded(otlpRequest(resources.map((one) => ({ ...one, attributes: { ...one.attributes, ...identity } }))));
}

/** A field with a length. */
function field(number: number, ...payload: readonly Uint8Array[]): Buffer {
  const bytes = Buffer.concat(payload);
  return Buffer.concat([varint(BigInt(number * 8 + 2)), varint(BigInt(bytes.length)), bytes]);
}

/** A `ScopeMetrics` as it was before 2022, with a metric that is not a page's, in a field of this number. */
function hidden(number: number): Buffer {
  const metric = field(2, field(1, Buffer.from("http.server.request.duration")), field(5, field(1, Buffer.alloc(0))));
  return field(number, metric);
}

/** A request of one metric, each of whose messages `extended` may add fields to. */
function requestWithHiddenMetrics(extended: (message: Buffer) => readonly Buffer[]): Buffer {
  const point = Buffer.concat([Buffer.of(0x11), Buffer.alloc(8, 1), Buffer.of(0x19), Buffer.alloc(8, 2)]);
  const data = field(7, field(1, point), Buffer.of(0x10, 2));
  const metric = field(2, ...extended(Buffer.concat([field(1, Buffer.from("webrtc.io")), data])));
  const scope = field(2, ...extended(metric));
  return Buffer.concat(extended(field(1, ...extended(scope))));
}

describe("a request that goes on", () => {
  it("carries the identity and the receive time, and is otherwise as it was", () => {
    const resource = { attributes: { "service.name": "app", "service.instance.id": "1" }, scope: "scope" };
    const before = [{ ...resource, metrics: [sum(7n), histogram(8n)] }, { metrics: [sum(9n)] }];
    const after = [{ ...resource, metrics: [sum(RECEIVED), histogram(RECEIVED)] }, { metrics: [sum(RECEIVED)] }];
    expect(stamped(before)).toEqual(expected(after));
  });

  it("has no other identity than that of the token", () => {
    const spoofed = { "webrtc.meeting.id": "another", "webrtc.participant.id": "somebody", "service.name": "app" };
    const attributes = { "service.name": "app" };
    expect(stamped([{ attributes: spoofed, metrics: [sum(RECEIVED)] }])).toEqual(
      expected([{ attributes, metrics: [sum(RECEIVED)] }]),
    );
  });

  it("keeps the time of a point that starts after it was received: the start is what streams are known by", () => {
    const metrics = [sum(RECEIVED + 2n, RECEIVED + 1n)];
    expect(stamped([{ metrics }])).toEqual(expected([{ metrics }]));
  });

  it("keeps the later time of a page whose clock is ahead: its points do not go back when the receive time passes their start", () => {
    const metrics = [sum(RECEIVED + 60n, RECEIVED - 1n), histogram(RECEIVED + 60n)];
    expect(stamped([{ metrics }])).toEqual(expected([{ metrics }]));
  });

  it("leaves the bytes that were given alone", () => {
    const body = otlpRequest([{ metrics: [sum(7n)] }]);
    const before = Uint8Array.from(body);
    stampRequest(body, IDENTITY, RECEIVED_MILLIS);
    expect(Buffer.compare(body, before)).toBe(0);
  });

  it("is refused when it tells of what is not a page's", () => {
    const metrics = [{ ...sum(7n), name: "http.server.request.duration" }];
    expect(stampRequest(otlpRequest([{ metrics }]), IDENTITY, RECEIVED_MILLIS)).toEqual({
      kind: "failure",
      code: "invalid",
      reason: "http.server.request.duration is not taken from a browser",
    });
  });

  it("is refused when a metric has no name", () => {
    expect(stampRequest(otlpRequest([{ metrics: [{ ...sum(7n), name: "" }] }]), IDENTITY, RECEIVED_MILLIS)).toEqual({
      kind: "failure",
      code: "invalid",
      reason: "a metric has no name",
    });
  });

  it("carries no metrics in fields that a Collector takes them from, and we do not look at", () => {
    const before = requestWithHiddenMetrics((message) => [message, hidden(1000)]);
    const after = requestWithHiddenMetrics((message) => [message]);
    const stampedOf = (body: Uint8Array) => Buffer.from(valueOf(stampRequest(body, IDENTITY, RECEIVED_MILLIS)));
    expect(stampedOf(before)).toEqual(stampedOf(after));
    expect(stampedOf(before).includes("http.server.request.duration")).toBe(false);
    expect(stampedOf(before).includes("webrtc.io")).toBe(true);
  });

  it("is refused when it is no request", () => {
    expect(stampRequest(Uint8Array.of(0x0a, 0x05, 0x00), IDENTITY, RECEIVED_MILLIS)).toMatchObject({ code: "invalid" });
  });
});
