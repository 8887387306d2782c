/** The bodies that are mutated: one of everything that counts, small, so that most changes hit something that matters. */
import { rewriteMessage } from "../otlp/rewritten-message.ts";
import { RequestType } from "../otlp/otlp-proto.ts";
import { otlpRequest, type TestMetric } from "../support/otlp-request.ts";
import { jsonRequest } from "./wire.ts";
import { seededRandom } from "./mutations.ts";

const HTTP = { "http.request.method": "GET", "http.route": "/a", "http.response.status_code": 500 };
const RELAY = { "network.io.direction": "receive", "webrtc.relay": true, "webrtc.quality": "poor" };

function metrics(start: bigint, time: bigint): TestMetric[] {
  const times = { start, time };
  return [
    { name: "bandwidth.http.server.io", unit: "By", sum: [{ ...times, attributes: RELAY, value: 5n }] },
    { name: "webrtc.io", temporality: "delta", sum: [{ ...times, attributes: RELAY, value: 2 ** 40 }] },
    { name: "webrtc.connection.time", unit: "s", sum: [{ ...times, attributes: RELAY, value: 1.5 }] },
    {
      name: "http.server.response.body.size",
      unit: "By",
      histogram: [{ ...times, attributes: HTTP, count: 3n, sum: 300 }],
    },
    {
      name: "http.server.request.duration",
      unit: "s",
      histogram: [{ ...times, attributes: HTTP, count: 6n, sum: 0.6, bucketCounts: [1n, 2n, 3n], bounds: [0.1, 0.5] }],
    },
    {
      name: "http.client.request.duration",
      unit: "s",
      temporality: "delta",
      exponential: [
        {
          ...times,
          attributes: HTTP,
          count: 6n,
          sum: 1,
          scale: 6,
          zeroCount: 1n,
          offset: -40,
          bucketCounts: [2n, 0n, 3n],
        },
      ],
    },
  ];
}

/** Protobuf bodies whose points are of `time`. */
export function protobufSeeds(start: bigint, time: bigint): Buffer[] {
  const all = metrics(start, time);
  const single = all.map((metric) => otlpRequest([{ metrics: [metric] }]));
  const whole = otlpRequest([{ metrics: all }, { attributes: { "webrtc.meeting.id": "m" }, metrics: all.slice(1, 3) }]);
  const random = seededRandom(1);
  return [...single, whole, rewriteMessage(RequestType, whole, random)].map((body) => Buffer.from(body));
}

/** JSON bodies whose points are of `time`. */
export function jsonSeeds(start: bigint, time: bigint): Buffer[] {
  const point = `"startTimeUnixNano":"${start}","timeUnixNano":${time},"asDouble":7e0,"flags":0,"exemplars":[{"asInt":"1"}]`;
  const resource =
    '"attributes":[{"key":"service.name","value":{"stringValue":"m\\u00fc"}},{"key":"a","value":{"arrayValue":{"values":[{}]}}}]';
  return [
    Buffer.from(jsonRequest(point, resource)),
    Buffer.from(JSON.stringify({ resourceMetrics: [{ scopeMetrics: [] }] })),
  ];
}
