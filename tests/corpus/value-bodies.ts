/** The corpus: well-formed requests whose names, times and numbers are the attack. */
import type { CaseTimes, HostileBody } from "./hostile-body.ts";
import { readable } from "./hostile-body.ts";
import { bytes, fixed64, keyValue, number, point, repeated, requestOf, service, sumMetric } from "./wire.ts";

const ONE = { wire_bytes_in: 1n } as const;
const HOUR = 3_600_000_000_000n;

function doubleBits(value: number): bigint {
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, value);
  return view.getBigUint64(0);
}

function double({ start, time }: CaseTimes, value: number): Buffer {
  const direction = keyValue(7, "network.io.direction", "receive");
  return Buffer.concat([direction, fixed64(2, start), fixed64(3, time), fixed64(4, doubleBits(value))]);
}

function histogram(
  { start, time }: CaseTimes,
  count: bigint,
  sum: number,
  name = "http.server.request.body.size",
): Buffer {
  const data = bytes(1, fixed64(2, start), fixed64(3, time), fixed64(4, count), fixed64(5, doubleBits(sum)));
  return requestOf([bytes(1, name), bytes(9, data, number(2, 2n))]);
}

/** A request with one point of this value beside one that is good. */
function beside(times: CaseTimes, bad: Uint8Array, temporality: bigint = 2n): Buffer {
  return requestOf(sumMetric([point(times.start, times.time, 1n), bad], temporality));
}

const refused = (name: string, bad: (times: CaseTimes) => Uint8Array, temporality: bigint = 2n): HostileBody =>
  readable(name, (times) => beside(times, bad(times), temporality), { adds: ONE, rejected: 1 });

const NUMBERS: readonly HostileBody[] = [
  ...[Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, -1, -5e-324, 0.5, 1e308, 2 ** 63].map((value) =>
    refused(`a value of ${value}`, (times) => double({ ...times, time: times.time + 1n }, value)),
  ),
  refused("a value of -1", ({ start, time }) => point(start, time + 1n, -1n)),
  refused("a value of 2^64 - 1, which is -1", ({ start, time }) => point(start, time + 1n, 2n ** 64n - 1n)),
  refused("a value of -2^63", ({ start, time }) => point(start, time + 1n, -(2n ** 63n))),
  refused("a delta above 2^50", ({ start, time }) => point(start, time + 1n, 2n ** 50n + 1n), 1n),
  readable("a delta of 2^50", ({ start, time }) => requestOf(sumMetric([point(start, time, 2n ** 50n)], 1n)), {
    adds: { wire_bytes_in: 2n ** 50n },
  }),
  // A jump beyond belief is a fault and the baseline of what follows.
  ...[2n ** 50n + 1n, 2n ** 53n, 2n ** 53n + 1n, 2n ** 62n, 2n ** 63n - 1n].map((value) =>
    readable(`a counter that begins at ${value}`, ({ start, time }) => {
      return requestOf(sumMetric([point(start, time, value), point(start, time + 1n, value)]));
    }),
  ),
  readable(
    "a counter that goes on from 2^62",
    ({ start, time }) => {
      return requestOf(sumMetric([point(start, time, 2n ** 62n), point(start, time + 1n, 2n ** 62n + 1n)]));
    },
    { adds: ONE },
  ),
  readable("a negative zero", (times) => requestOf(sumMetric([double(times, -0)]))),
  readable("a count of 2^63", (times) => histogram(times, 2n ** 63n, 1), { rejected: 1 }),
  readable("a count of 2^53", (times) => histogram(times, 2n ** 53n, 1), { rejected: 1 }),
  readable("a sum of half a byte", (times) => histogram(times, 1n, 0.5), { rejected: 1 }),
  readable("a sum that is not a number", (times) => histogram(times, 1n, Number.NaN), { rejected: 1 }),
  readable("a sum of 1e308", (times) => histogram(times, 1n, 1e308), { rejected: 1 }),
];

const TIMES: readonly HostileBody[] = [
  refused("a point without a time", ({ start }) => point(start, 0n, 9n)),
  refused("a point of 1970", () => point(1n, 2n, 9n)),
  refused("a point three days old", ({ time }) => point(time - 80n * HOUR, time - 72n * HOUR, 9n)),
  refused("a point an hour ahead", ({ start, time }) => point(start, time + HOUR, 9n)),
  refused("a point at the end of time", ({ start }) => point(start, 2n ** 64n - 1n, 9n)),
  refused("a point that starts after its time", ({ time }) => point(time + 1n, time, 9n)),
  refused("a delta two hours old", ({ time }) => point(time - 3n * HOUR, time - 2n * HOUR, 9n), 1n),
];

const KINDS: readonly HostileBody[] = [
  readable(
    "a temporality that does not exist",
    ({ start, time }) => requestOf(sumMetric([point(start, time, 9n)], 7n)),
    {
      rejected: 1,
    },
  ),
  readable(
    "another unit",
    ({ start, time }) => requestOf([...sumMetric([point(start, time, 9n)]), bytes(3, "'; --")]),
    {
      rejected: 1,
    },
  ),
  readable(
    "no value",
    ({ start, time }) => requestOf(sumMetric([Buffer.concat([fixed64(2, start), fixed64(3, time)])])),
    {
      rejected: 1,
    },
  ),
  readable("a foreign metric named like a property", ({ start, time }) =>
    requestOf([bytes(1, "__proto__"), bytes(7, bytes(1, point(start, time, 9n)), number(2, 2n), number(3, 1n))]),
  ),
];

/** Names that other languages have a meaning for. */
export const NAMES: readonly string[] = [
  "'; DROP TABLE metrics_minute; --",
  '" OR 1=1 /*',
  "`series`",
  "\\",
  "%_%",
  "a\r\nXADD metrics * a b\r\n",
  "*1\r\n$8\r\nFLUSHALL\r\n",
  "{0}:metrics",
  "\u0000",
  "a\u0000b",
  "\u{1F4A5}\u{1F469}\u200D\u{1F469}\u200D\u{1F467}",
  "\u202Eevil",
  "\uFEFF",
  "__proto__",
  "constructor",
  "hasOwnProperty",
  "__other__",
  "<script>alert(1)</script>",
  "${jndi:ldap://127.0.0.1/a}",
  "../../etc/passwd",
  "",
];

/** Every name as a service, a route and an attribute's key. */
const NAMED: readonly HostileBody[] = NAMES.map((name) =>
  readable(
    `the name ${JSON.stringify(name)}`,
    ({ start, time }) => {
      const attributes = [keyValue(7, "http.route", name), keyValue(7, name, name)];
      return requestOf(sumMetric([point(start, time, 1n, ...attributes)]), [service(name)]);
    },
    { adds: ONE },
  ),
);

const LARGE: readonly HostileBody[] = [
  readable(
    "a route of a million characters",
    ({ start, time }) =>
      requestOf(sumMetric([point(start, time, 1n, keyValue(7, "http.route", "r".repeat(1_000_000)))])),
    { adds: ONE },
  ),
  readable(
    "a route of astral characters that is cut in the middle of one",
    ({ start, time }) =>
      requestOf(sumMetric([point(start, time, 1n, keyValue(7, "http.route", `x${"\u{1F600}".repeat(600)}`))])),
    { adds: ONE },
  ),
  readable(
    "a service of a million characters",
    ({ start, time }) => requestOf(sumMetric([point(start, time, 1n)]), [service("s".repeat(1_000_000))]),
    { adds: ONE },
  ),
  readable(
    "100,000 routes",
    ({ start, time }) => {
      // One point is encoded, the others are copies with another number: this takes a moment, not seconds.
      const one = bytes(1, point(start, time, 1n, keyValue(7, "http.route", "/000000")));
      const all = repeated(one, 100_000);
      for (let route = 0, at = one.indexOf("/000000") + 1; route < 100_000; route += 1, at += one.length) {
        all.write(String(route).padStart(6, "0"), at, "latin1");
      }
      const data = bytes(7, all, number(2, 2n), number(3, 1n));
      return requestOf([bytes(1, "bandwidth.http.server.io"), data]);
    },
    { adds: { wire_bytes_in: 100_000n } },
  ),
  readable(
    "5,000 services",
    ({ start, time }) =>
      Buffer.concat(
        Array.from({ length: 5000 }, (_, index) =>
          requestOf(sumMetric([point(start, time, 1n)]), [service(`s${index}`)]),
        ),
      ),
    { adds: { wire_bytes_in: 5000n } },
  ),
  readable(
    // All but the first began hours before the receiver did, nobody followed them: baselines.
    "points of every minute of a day and a half",
    ({ start, time }) => {
      const points = Array.from({ length: 2000 }, (_, minute) => {
        const at = minute === 0 ? time : time - BigInt(minute + 600) * 60_000_000_000n;
        return point(minute === 0 ? start : at - 1n, at, 1n, keyValue(7, "http.route", `/${minute % 7}`));
      });
      return requestOf(sumMetric(points), [service("minutes")]);
    },
    { adds: ONE },
  ),
];

/** Cases by their values. */
export const VALUE_BODIES: readonly HostileBody[] = [...NUMBERS, ...TIMES, ...KINDS, ...NAMED, ...LARGE];
