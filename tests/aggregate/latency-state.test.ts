import { describe, expect, it } from "vitest";
import { otlpRequest } from "../support/otlp-request.ts";
import { at, BIRTH, FoldHarness } from "./fold-harness.ts";

describe("the buckets that a counter was last seen with", () => {
  it("keep no more memory than their own: they outlive the rows of their minute", () => {
    const point = { start: at(1), time: at(10), count: 4n, sum: 2, bounds: [0.1, 1], bucketCounts: [1n, 2n, 1n] };
    const request = otlpRequest([{ metrics: [{ name: "http.server.request.duration", histogram: [point] }] }]);
    const { fold } = new FoldHarness().receive(request, BIRTH + 10);
    const kept = [...fold.scopes.all()].flatMap(({ parents }) =>
      [...parents.values()].flatMap(({ counters }) =>
        [...counters.values()].flatMap((set) => set.counters.map(({ latency }) => latency?.counts)),
      ),
    );
    expect(kept).toEqual([Float64Array.of(1, 2, 1)]);
    expect(kept[0]!.buffer.byteLength).toBe(3 * 8);
  });
});
