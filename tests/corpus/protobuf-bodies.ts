/** The corpus: protobuf that is broken, or that only looks broken. */
import type { CaseTimes, HostileBody } from "./hostile-body.ts";
import { readable, unreadable } from "./hostile-body.ts";
import {
  bytes,
  fixed64,
  keyValue,
  nestedArrays,
  number,
  point,
  repeated,
  requestOf,
  service,
  sumMetric,
  varint,
} from "./wire.ts";

const ONE = { wire_bytes_in: 1n } as const;
const one = ({ start, time }: CaseTimes, ...more: readonly Uint8Array[]): Buffer => point(start, time, 1n, ...more);
const good = (times: CaseTimes): Buffer => requestOf(sumMetric([one(times)]));

function truncated(): HostileBody[] {
  const length = good({ start: 0n, time: 1n }).length;
  return Array.from({ length: length - 1 }, (_, cut) =>
    unreadable(`cut off after ${cut + 1} of ${length} bytes`, (times) => good(times).subarray(0, cut + 1)),
  );
}

/** Every known field of every message on the way to a point, with a wire type it does not have. */
function wrongWireTypes(): HostileBody[] {
  const wrap: Readonly<Record<string, (broken: Uint8Array, times: CaseTimes) => Uint8Array>> = {
    request: (broken, times) => Buffer.concat([good(times), broken]),
    resourceMetrics: (broken) => bytes(1, broken),
    resource: (broken, times) => requestOf(sumMetric([one(times)]), [service("hostile"), broken]),
    metric: (broken, times) => requestOf([...sumMetric([one(times)]), broken]),
    point: (broken, times) => requestOf(sumMetric([one(times, broken)])),
  };
  const known: Readonly<Record<string, readonly number[]>> = {
    request: [1],
    resourceMetrics: [1, 2, 3],
    resource: [1, 2],
    metric: [1, 2, 3, 5, 7, 9, 10, 11, 12],
    point: [2, 3, 4, 5, 6, 7, 8],
  };
  return Object.entries(known).flatMap(([message, fields]) =>
    fields.map((field) =>
      unreadable(`wire type 5 for field ${field} of a ${message}`, (times) =>
        wrap[message]!(Buffer.concat([varint(BigInt(field * 8 + 5)), Buffer.alloc(4)]), times),
      ),
    ),
  );
}

const broken = (times: CaseTimes, raw: readonly number[]): Buffer => Buffer.concat([good(times), Buffer.from(raw)]);

const BROKEN: readonly HostileBody[] = [
  unreadable("a length of 2^32 - 1", () => Buffer.from([0x0a, 0xff, 0xff, 0xff, 0xff, 0x0f])),
  unreadable("a length of 2^63", () => Buffer.concat([Buffer.from([0x0a]), varint(2n ** 63n)])),
  unreadable("a length of 2^64 - 1", () => Buffer.concat([Buffer.from([0x0a]), varint(2n ** 64n - 1n)])),
  unreadable("a varint of eleven bytes", () => Buffer.from([0x0a, ...Array.from({ length: 10 }, () => 0x80), 0])),
  unreadable("a field of number 0", (times) => broken(times, [0x02, 0x00])),
  unreadable("a tag beyond 32 bits", (times) => broken(times, [0x80, 0x80, 0x80, 0x80, 0x80, 0x01, 0x00])),
  unreadable("a group", (times) => broken(times, [0x1b, 0x1c])),
  unreadable("an end of a group without its start", (times) => broken(times, [0x1c])),
  unreadable("a wire type that does not exist", (times) => broken(times, [0x1e, 0x00])),
  unreadable("text", () => "SELECT 1; DROP TABLE metrics_minute"),
  unreadable("random bytes", () => Buffer.from("9f3b1c7a00ff8811d0e5a1b2c3d4e5f60718293a4b5c6d7e", "hex")),
  unreadable("a key that is not UTF-8", (times) =>
    requestOf(sumMetric([one(times, keyValue(7, Buffer.from([0xff, 0xfe]), "x"))])),
  ),
  unreadable("a metric's name that is not UTF-8", () => requestOf([bytes(1, Buffer.from([0xc0, 0x80]))])),
  unreadable("a value of 2000 arrays in each other", (times) =>
    requestOf(sumMetric([one(times, keyValue(7, "deep", nestedArrays(2000)))])),
  ),
  unreadable("a resource's value of 2000 arrays in each other", (times) =>
    requestOf(sumMetric([one(times)]), [service("hostile"), keyValue(1, "deep", nestedArrays(2000))]),
  ),
  unreadable(
    "a million attributes of a point",
    (times) => requestOf(sumMetric([one(times, repeated(keyValue(7, "k", "v"), 1_000_000))])),
    413,
  ),
  unreadable(
    "a million attributes of a resource",
    (times) => requestOf(sumMetric([one(times)]), [repeated(keyValue(1, "k", "v"), 1_000_000)]),
    413,
  ),
  unreadable("a million points", () => requestOf([bytes(7, repeated(bytes(1, number(8, 1n)), 1_000_000))]), 413),
];

/** A protobuf message is the concatenation of its fields, in any order, and unknown ones are skipped. */
const ODD_BUT_VALID: readonly HostileBody[] = [
  readable("an empty request", () => ""),
  readable("an empty resource, scope and metric", () => bytes(1, bytes(1), bytes(2, bytes(1), bytes(2)))),
  readable(
    "a resource in two pieces, after its metrics",
    (times) =>
      bytes(
        1,
        bytes(1, service("hostile")),
        bytes(2, bytes(1, bytes(1, "corpus")), bytes(2, ...sumMetric([one(times)]))),
        bytes(1, keyValue(1, "service.namespace", "n")),
      ),
    { adds: ONE },
  ),
  readable(
    "a sum in three pieces",
    (times) =>
      requestOf([
        bytes(7, number(2, 2n)),
        bytes(7, bytes(1, one(times))),
        bytes(7, number(3, 1n)),
        bytes(1, "bandwidth.http.server.io"),
      ]),
    { adds: ONE },
  ),
  readable(
    "a gauge that a sum replaces",
    (times) => requestOf([bytes(5, bytes(1, one(times))), ...sumMetric([one(times)])]),
    { adds: ONE },
  ),
  readable(
    "a value that a later one replaces",
    ({ start, time }) => requestOf(sumMetric([point(start, time, 77n, fixed64(6, 1n))])),
    { adds: ONE },
  ),
  readable(
    "unknown fields everywhere",
    (times) =>
      Buffer.concat([
        requestOf([...sumMetric([one(times, bytes(99, "x"))]), number(500, 1n)], [service("hostile"), fixed64(77, 1n)]),
        number(2 ** 28, 5n),
      ]),
    { adds: ONE },
  ),
  readable(
    "a value that is not UTF-8",
    (times) =>
      requestOf(
        sumMetric([one(times, keyValue(7, "http.route", Buffer.concat([bytes(1, Buffer.from([0xff, 0x41]))])))]),
      ),
    { adds: ONE },
  ),
  readable(
    "a value of six arrays in each other",
    (times) => requestOf(sumMetric([one(times, keyValue(7, "deep", nestedArrays(6)))])),
    { adds: ONE },
  ),
  readable(
    "a thousand attributes",
    (times) =>
      requestOf(sumMetric([one(times, ...Array.from({ length: 1000 }, (_, index) => keyValue(7, `k${index}`, "v")))])),
    { adds: ONE },
  ),
  readable(
    "the same key again and again, the last one counts",
    (times) =>
      requestOf(
        sumMetric([
          Buffer.concat([
            keyValue(7, "network.io.direction", "transmit"),
            keyValue(7, "network.io.direction", "sideways"),
            one(times),
          ]),
        ]),
      ),
    { adds: ONE },
  ),
];

/** Cases in protobuf. */
export const PROTOBUF_BODIES: readonly HostileBody[] = [
  ...BROKEN,
  ...wrongWireTypes(),
  ...truncated(),
  ...ODD_BUT_VALID,
];
