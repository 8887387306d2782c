import { describe, expect, it } from "vitest";
import { stampRequest } from "../../src/otlp/stamp-request.ts";
import { valueOf } from "../support/log-entries.ts";
import { otlpRequest, type TestMetric, type TestResource } from "../support/otlp-request.ts";
import { RequestType } from "./otlp-proto.ts";

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

  it("is refused when it is no request", () => {
    expect(stampRequest(Uint8Array.of(0x0a, 0x05, 0x00), IDENTITY, RECEIVED_MILLIS)).toMatchObject({ code: "invalid" });
  });
});
