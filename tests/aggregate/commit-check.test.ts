/** Whatever was admitted, what the fold commits can be stored: a commit that cannot is folded and refused for ever. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { checkCommit } from "../../src/rollup/check-commit.ts";
import { otlpRequest, type TestMetric } from "../support/otlp-request.ts";
import { shardCommit } from "../support/shard-commits.ts";
import { extremeMetric } from "./extreme-metrics.ts";
import { at, BIRTH, FoldHarness } from "./fold-harness.ts";

/** Folds requests received at second 400, and gives what the store says of the commit. */
function verdict(requests: readonly (readonly TestMetric[])[], harness: FoldHarness = new FoldHarness()): string {
  for (const metrics of requests) harness.receive(otlpRequest([{ metrics }]), BIRTH + 400);
  harness.commit();
  const [increments, state] = [harness.increments.at(-1)!, harness.states.at(-1)!];
  const checked = checkCommit(shardCommit("0-0", "1-0", { ...increments, ...state }));
  return checked.kind === "success" ? "stored" : checked.reason;
}

const METRIC_COUNT = 2 ** 50;
const relayed = { "webrtc.relay": true, "webrtc.quality": "good" };

describe("a commit can be stored", () => {
  test("whatever numbers were admitted, and its state can be read again", () => {
    fc.assert(
      fc.property(
        fc.array(fc.array(extremeMetric, { minLength: 1, maxLength: 3 }), { minLength: 1, maxLength: 6 }),
        fc.nat({ max: 5 }),
        (requests, cut) => {
          const harness = new FoldHarness();
          expect(verdict(requests.slice(0, cut), harness)).toBe("stored");
          harness.restart();
          expect(verdict(requests, harness)).toBe("stored");
          expect(harness.states.flatMap(({ quarantine }) => quarantine)).toEqual([]);
        },
      ),
      { numRuns: 150 },
    );
  });

  test("of the dearest relay use that is credible", () => {
    const point = { attributes: relayed, start: at(1), time: at(2), value: METRIC_COUNT / 1000 };
    const metric: TestMetric = { name: "webrtc.connection.time", temporality: "delta", sum: [point] };
    const prices = { nanosPerUserHour: 1_000_000 * 1e9, nanosPerGigabyte: 1_000_000 * 1e9 };
    expect(verdict([[metric]], new FoldHarness({ prices }))).toBe("stored");
  });

  test("of a counter of seconds that began beyond 64 bits of milliseconds", () => {
    const point = { attributes: relayed, start: at(-5), time: at(2), value: 2n ** 62n };
    expect(verdict([[{ name: "webrtc.connection.time", sum: [point] }]])).toBe("stored");
  });

  test("of more observations in one bucket than a number holds exactly", () => {
    const observed = (second: number): TestMetric => ({
      name: "http.server.request.duration",
      temporality: "delta",
      histogram: [{ start: at(second), time: at(second + 1), count: 2n ** 50n, sum: 1 }],
    });
    const harness = new FoldHarness();
    expect(verdict([Array.from({ length: 20 }, (_, second) => observed(second + 1))], harness)).toBe("stored");
    expect(harness.total("latency_count")).toBe(20n * 2n ** 50n);
  });

  test("of more seconds than a whole number holds exactly", () => {
    const observed = (second: number): TestMetric => ({
      name: "http.server.request.duration",
      temporality: "delta",
      histogram: [{ start: at(second), time: at(second + 1), count: 1n, sum: 2 ** 50 }],
    });
    expect(verdict([Array.from({ length: 200 }, (_, second) => observed(second + 1))])).toBe("stored");
  });
});
