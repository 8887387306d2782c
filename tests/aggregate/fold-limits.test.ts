/** What senders choose (names, buckets, how many there are) fills neither memory nor a row beyond what SQL takes. */
import { describe, expect, test } from "vitest";
import { otlpRequest, type TestAttributes, type TestMetric } from "../support/otlp-request.ts";
import { at, BIRTH, FoldHarness } from "./fold-harness.ts";

const SMALL = 200_000;
/** An estimate may be passed by what one stream brings. */
const MARGIN = 80_000;
const PACKET = 16 * 1024 * 1024;

function io(time: number, value: bigint, attributes: TestAttributes = {}, start = 1): TestMetric {
  const nanos = at(0) + BigInt(Math.round(time * 1e6)) * 1000n;
  const point = {
    attributes: { "network.io.direction": "receive", ...attributes },
    start: at(start),
    time: nanos,
    value,
  };
  return { name: "bandwidth.http.server.io", unit: "By", sum: [point] };
}

function ioOf(times: readonly TestMetric[]): TestMetric {
  return { ...times[0]!, sum: times.flatMap(({ sum }) => sum ?? []) };
}

const request = (...metrics: TestMetric[]): Uint8Array => otlpRequest([{ metrics }]);
const routes = (from: number, count: number, time: number, value: bigint): TestMetric =>
  ioOf(Array.from({ length: count }, (_, index) => io(time, value, { "http.route": `/${from + index}` })));

describe("attribute sets beyond what a shard remembers", () => {
  test("go to quarantine, once a metric, while those it knows go on exactly", () => {
    const harness = new FoldHarness({ maxStateBytes: SMALL })
      .receive(request(routes(0, 50, 10, 1n)), BIRTH + 10)
      .receive(request(routes(50, 5000, 11, 1n)), BIRTH + 11);
    const counted = harness.total("wire_bytes_in");
    expect(counted).toBeGreaterThan(50n);
    expect(counted).toBeLessThan(1000n);
    expect(harness.fold.scopes.bytes).toBeLessThan(SMALL + MARGIN);
    harness.receive(request(routes(9000, 10, 12, 1n), routes(0, 50, 12, 8n)), BIRTH + 12);
    expect(harness.total("wire_bytes_in")).toBe(counted + 50n * 7n);
    expect(harness.states.flatMap(({ quarantine }) => quarantine.map(({ reason }) => reason))).toEqual([
      "there is no room for more streams, starts or buckets",
      "there is no room for more streams, starts or buckets",
    ]);
  });

  test("and resources: those that are known go on", () => {
    const services = (from: number, count: number, time: number, value: bigint): Uint8Array =>
      otlpRequest(
        Array.from({ length: count }, (_, index) => ({
          attributes: { "service.name": `s${from + index}` },
          metrics: [io(time, value)],
        })),
      );
    const harness = new FoldHarness({ maxStateBytes: SMALL }).receive(services(0, 5000, 10, 1n), BIRTH + 10);
    const counted = harness.total("wire_bytes_in");
    expect(counted).toBeLessThan(200n);
    expect(harness.fold.scopes.bytes).toBeLessThan(SMALL + MARGIN);
    harness.receive(services(0, 10, 20, 5n), BIRTH + 20);
    expect(harness.total("wire_bytes_in")).toBe(counted + 40n);
    expect(harness.counts["quarantined"]).toBe(5000 - Number(counted));
    expect(harness.states[0]!.quarantine.length).toBeLessThanOrEqual(2 * 20);
  });

  test("in ever new orders of the same attributes take no more room, and are counted", () => {
    const harness = new FoldHarness({ maxStateBytes: SMALL });
    const keys = ["a", "b", "c", "d", "e", "f", "g"];
    let time = 10;
    let value = 1n;
    for (const permutation of permutations(keys)) {
      const attributes = Object.fromEntries(permutation.map((key) => [key, "x".repeat(20)]));
      harness.receive(request(io(time, value, attributes)), BIRTH + 100);
      time += 0.001;
      value += 3n;
    }
    expect(harness.total("wire_bytes_in")).toBe(value - 3n);
    expect(harness.fold.scopes.bytes).toBeLessThan(SMALL + MARGIN);
    expect(harness.states.flatMap(({ quarantine }) => quarantine)).toEqual([]);
  });

  test("that were let go of for others come back where they stood", () => {
    const harness = new FoldHarness({ maxStateBytes: SMALL })
      .receive(request(routes(0, 50, 10, 1n)), BIRTH + 10)
      .commit();
    const other = (index: number): Uint8Array =>
      otlpRequest([{ attributes: { "service.name": `other-${index}` }, metrics: [io(20, 1n)] }]);
    for (let index = 0; index < 2000; index += 1) {
      harness.receive(other(index), BIRTH + 20);
      if (harness.fold.isCrowded) harness.commit().fold.scopes.evictIdle(BIRTH * 1000 - 1);
    }
    harness.receive(request(routes(0, 50, 30, 4n)), BIRTH + 30);
    expect(harness.total("wire_bytes_in")).toBe(50n * 4n + 2000n);
    expect(harness.states.flatMap(({ quarantine }) => quarantine)).toEqual([]);
    expect(harness.fold.scopes.bytes).toBeLessThan(SMALL + MARGIN);
  });
});

describe("scopes that tell nothing that is counted", () => {
  const scopes = (count: number, metrics: readonly TestMetric[]): Uint8Array =>
    otlpRequest(Array.from({ length: count }, (_, index) => ({ scope: `scope-${index}`, metrics })));
  const foreign = { ...io(10, 1n), name: "somebody.elses" };
  const refused = io(10, -1n);
  const empty = { ...io(10, 1n), sum: [] };

  test.each([
    ["none", []],
    ["an empty one", [empty]],
    ["foreign ones", [foreign, foreign]],
    ["refused ones", [refused]],
  ])("take no room, whatever their number: of metrics there are %s", (_, metrics) => {
    const harness = new FoldHarness({ maxStateBytes: SMALL }).receive(request(io(10, 1n)), BIRTH + 10);
    const before = harness.fold.scopes.bytes;
    harness.receive(scopes(2000, metrics), BIRTH + 11);
    expect(harness.fold.scopes.bytes).toBe(before);
    expect([...harness.fold.scopes.all()]).toHaveLength(1);
    harness.receive(
      otlpRequest([{ attributes: { "service.name": "new" }, metrics: [...metrics, io(12, 5n)] }]),
      BIRTH + 12,
    );
    expect(harness.total("wire_bytes_in")).toBe(6n);
    expect(harness.states.flatMap(({ quarantine }) => quarantine)).toEqual([]);
    const points = 2001 * metrics.reduce((sum, metric) => sum + (metric.sum?.length ?? 0), 0);
    expect(harness.counts["pointsIgnored"]! + harness.counts["pointsRefused"]!).toBe(points);
  });
});

function* permutations(items: readonly string[]): Generator<readonly string[]> {
  if (items.length <= 1) yield items;
  for (const [index, item] of items.entries()) {
    for (const rest of permutations(items.toSpliced(index, 1))) yield [item, ...rest];
  }
}

describe("a row that a commit writes", () => {
  test("of state is smaller than any server's packet, however many buckets there are", () => {
    const bucketCounts = Array.from({ length: 2000 }, () => 2n ** 38n);
    const duration = (index: number): TestMetric => ({
      name: "http.server.request.duration",
      exponential: [
        {
          attributes: { "http.route": `/${index}` },
          start: at(1),
          time: at(10),
          count: 2000n * 2n ** 38n,
          sum: 1,
          scale: 5,
          offset: 0,
          bucketCounts,
        },
      ],
    });
    const harness = new FoldHarness({ maxStateBytes: 1e9 });
    for (let index = 0; index < 600; index += 1) harness.receive(request(duration(index)), BIRTH + 10);
    harness.commit();
    expect(harness.states[0]!.counterState[0]!.state.length).toBeLessThan(PACKET);
    expect(harness.counts["quarantined"]).toBeGreaterThan(0);
    expect(harness.counts["points"]! + harness.counts["quarantined"]!).toBe(600);
  });

  test("of the ledger is, too, however many deltas were accepted, and all of them are known again", () => {
    const deltas = (from: number): TestMetric => ({
      ...ioOf(Array.from({ length: 20_000 }, (_, index) => io(2 + (from + index) / 1e6, 1n))),
      temporality: "delta",
    });
    const bodies = Array.from({ length: 5 }, (_, index) => request(deltas(index * 20_000)));
    const harness = new FoldHarness();
    for (const body of bodies) harness.receive(body, BIRTH + 10);
    expect(harness.total("wire_bytes_in")).toBe(100_000n);
    expect(harness.states[0]!.ledger.length).toBeGreaterThan(1);
    for (const { entries } of harness.states[0]!.ledger) expect(entries.length).toBeLessThan(2 ** 20);
    harness.restart();
    for (const body of bodies) harness.receive(body, BIRTH + 11);
    expect(harness.total("wire_bytes_in")).toBe(100_000n);
  });
});

describe("what waits for a commit", () => {
  test("asks for one when there are many minutes", () => {
    const harness = new FoldHarness({ deltaMaxAgeMillis: 86_400_000 });
    const minutes = (route: number): TestMetric => ({
      ...ioOf(
        Array.from({ length: 1000 }, (_, minute) => io(100_000 - minute * 60, 1n, { "http.route": `/${route}` })),
      ),
      temporality: "delta",
    });
    for (let route = 0; route < 99; route += 1) harness.receive(request(minutes(route)), BIRTH + 100_000);
    expect(harness.fold.isCrowded).toBe(false);
    harness.receive(request(minutes(99)), BIRTH + 100_000);
    expect(harness.fold.isCrowded).toBe(true);
    expect(harness.commit().fold.isCrowded).toBe(false);
  });
});

describe("quarantine between two commits", () => {
  test("keeps some of each reason and counts all", () => {
    const harness = new FoldHarness();
    for (let index = 0; index < 500; index += 1) harness.receive(new Uint8Array([0x0a, 0xff, 0xff]), BIRTH + 1);
    harness.receive(new Uint8Array([0x0b]), BIRTH + 1).commit();
    expect(harness.states[0]!.quarantine).toHaveLength(21);
    expect(harness.counts["quarantined"]).toBe(501);
  });

  test("keeps no more bytes than its limit", () => {
    const harness = new FoldHarness();
    for (let index = 0; index < 40; index += 1) {
      const body = new Uint8Array(2_000_000);
      body[index] = 0xff;
      harness.receive(body, BIRTH + 1);
    }
    harness.commit();
    expect(harness.states[0]!.quarantine.reduce((sum, { payload }) => sum + payload.length, 0)).toBeLessThanOrEqual(
      2 ** 23,
    );
    expect(harness.counts["quarantined"]).toBe(40);
  });
});
