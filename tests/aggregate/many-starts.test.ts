/** Streams with many starts: writers that share one identity, and processes that are restarted again and again. */
import { describe, expect, test } from "vitest";
import { KEPT_STARTS_PER_STREAM, MAX_STARTS_PER_STREAM } from "../../src/aggregate/counter.ts";
import { FORGOTTEN_START } from "../../src/aggregate/point-fold.ts";
import { otlpRequest, type TestAttributes, type TestMetric } from "../support/otlp-request.ts";
import { at, BIRTH, FoldHarness } from "./fold-harness.ts";

const DAY = 86_400;

function io(start: number, time: number, value: number, changes: TestAttributes = {}): TestMetric {
  const attributes = { "network.io.direction": "receive", ...changes };
  const point = { attributes, start: at(start), time: at(time), value: BigInt(value) };
  return { name: "bandwidth.http.server.io", unit: "By", sum: [point] };
}

function send(harness: FoldHarness, start: number, time: number, value: number, changes?: TestAttributes): void {
  harness.receive(otlpRequest([{ metrics: [io(start, time, value, changes)] }]), BIRTH + time);
}

function reasons(harness: FoldHarness): string[] {
  harness.commit();
  return harness.states.flatMap(({ quarantine }) => quarantine.map(({ reason }) => reason));
}

/** Writers with starts of 1, 2, and so on send one after the other, a second apart, what they have counted by then. */
function round(harness: FoldHarness, writers: number, from: number, value: number): void {
  for (let writer = 1; writer <= writers; writer++) send(harness, writer, from + writer, value + writer);
}

const startsOf = (writers: number): number => (writers * (writers + 1)) / 2;
const bytes = (harness: FoldHarness): number => Number(harness.total("wire_bytes_in"));

describe("writers of one identity", () => {
  test.each([17, 100, MAX_STARTS_PER_STREAM])("are counted exactly, %i of them, also after a restart", (writers) => {
    const harness = new FoldHarness();
    for (const value of [10, 50, 90]) {
      round(harness, writers, 100 * value, value);
      harness.restart();
    }
    expect(bytes(harness)).toBe(90 * writers + startsOf(writers));
    expect(harness.counts["pointsBaseline"]).toBe(0);
    expect(reasons(harness)).toEqual([]);
  });

  test("of whom there is one too many: the others are counted exactly, of that one it is told", () => {
    const writers = MAX_STARTS_PER_STREAM + 1;
    const harness = new FoldHarness();
    round(harness, writers, 2000, 10);
    expect(bytes(harness)).toBe(10 * writers + startsOf(writers));
    expect(reasons(harness)).toEqual([]);
    for (const value of [50, 90]) round(harness, writers, 100 * value, value);
    expect(bytes(harness)).toBe(10 + 90 * (writers - 1) + startsOf(writers));
    expect(reasons(harness)).toEqual([FORGOTTEN_START, FORGOTTEN_START]);
  });

  test("of whom one is silent for days while others start and end: it is told of when it is back, and counted on", () => {
    const harness = new FoldHarness();
    send(harness, 1, 10, 7);
    for (let writer = 2; writer <= KEPT_STARTS_PER_STREAM + 1; writer++) send(harness, writer, 4 * DAY + writer, 1);
    send(harness, 1, 5 * DAY, 100);
    expect(reasons(harness)).toEqual([FORGOTTEN_START]);
    expect(harness.counts["pointsBaseline"]).toBe(1);
    send(harness, 1, 5 * DAY + 60, 105);
    send(harness, 1, 5 * DAY + 60, 105);
    expect(bytes(harness)).toBe(7 + KEPT_STARTS_PER_STREAM + 5);
    expect(reasons(harness)).toEqual([FORGOTTEN_START]);
  });
});

describe("processes that were there before the totals began", () => {
  test("are counted from their first point on, new attribute sets in full: a hundred of them, with as many begun since", () => {
    const harness = new FoldHarness();
    for (let writer = 1; writer <= 100; writer++) {
      send(harness, -writer, writer, 1000);
      send(harness, writer, writer + 1, 3);
    }
    harness.restart();
    for (let writer = 1; writer <= 100; writer++) send(harness, -writer, 1000 + writer, 5, { "http.route": "/late" });
    expect(bytes(harness)).toBe(100 * (3 + 5));
    expect(harness.counts["pointsBaseline"]).toBe(100);
  });
});

describe("a process that is restarted", () => {
  test.each([20, 100, MAX_STARTS_PER_STREAM])("%i times is counted exactly, newest first", (restarts) => {
    const harness = new FoldHarness();
    for (let start = restarts; start >= 1; start--) {
      harness.receive(otlpRequest([{ metrics: [io(start, start + 1, start)] }]), BIRTH + 2000);
    }
    expect(bytes(harness)).toBe(startsOf(restarts));
    expect(reasons(harness)).toEqual([]);
  });

  test("more often than its starts are remembered is counted exactly, and takes no more room", () => {
    const harness = new FoldHarness();
    const restart = (count: number): number => {
      send(harness, 60 * count, 60 * count + 1, 3);
      send(harness, 60 * count, 60 * count + 50, 5);
      return harness.fold.scopes.bytes;
    };
    let full = 0;
    for (let count = 1; count <= MAX_STARTS_PER_STREAM; count++) full = restart(count);
    for (let count = MAX_STARTS_PER_STREAM + 1; count <= 2 * MAX_STARTS_PER_STREAM; count++) restart(count);
    expect(harness.fold.scopes.bytes).toBe(full);
    expect(bytes(harness)).toBe(2 * MAX_STARTS_PER_STREAM * 5);
    expect(reasons(harness)).toEqual([]);
  });

  test("every day keeps few of its starts", () => {
    const harness = new FoldHarness();
    for (let day = 1; day <= 3 * KEPT_STARTS_PER_STREAM; day++) send(harness, DAY * day, DAY * day + 10, 5);
    const [scope] = [...harness.fold.scopes.all()];
    const [parent] = [...scope!.parents.values()];
    const [set] = [...parent!.counters.values()];
    expect(set!.counters).toHaveLength(KEPT_STARTS_PER_STREAM);
    expect(bytes(harness)).toBe(3 * KEPT_STARTS_PER_STREAM * 5);
    expect(reasons(harness)).toEqual([]);
  });

  test("goes on where there is no room for more: its new start takes the place of the one that was silent longest", () => {
    const harness = new FoldHarness({ maxStateBytes: 9000 });
    for (let count = 1; count <= 10 * KEPT_STARTS_PER_STREAM; count++) send(harness, 60 * count, 60 * count + 50, 5);
    expect(harness.fold.scopes.bytes).toBeLessThan(9500);
    expect(bytes(harness)).toBe(10 * KEPT_STARTS_PER_STREAM * 5);
    expect(reasons(harness)).toEqual([]);
  });
});
