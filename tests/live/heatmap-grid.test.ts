import { describe, expect, it } from "vitest";
import { heatmapGrid, roundTripRows } from "../../src/live/heatmap-grid.ts";
import { historyStep, liveHistoryOf } from "./live-figures.ts";

const bucket = (fromSeconds: number, toSeconds: number, count: number) => ({ fromSeconds, toSeconds, count });

describe("the heatmap", () => {
  it("has a cell for each bucket, as strong as the square root of its share of the fullest", () => {
    const history = liveHistoryOf([
      historyStep(0, { roundTripBuckets: [bucket(0.01, 0.02, 100), bucket(0.02, 0.04, 0)] }),
      historyStep(5000, { roundTripBuckets: [bucket(1, 2, 1)] }),
    ]);
    const { cells, lowest, highest, observations } = heatmapGrid(history);
    expect(cells).toEqual([
      { fromMillis: 0, toMillis: 5000, ...bucket(0.01, 0.02, 100), strength: 1 },
      { fromMillis: 5000, toMillis: 10_000, ...bucket(1, 2, 1), strength: 0.1 },
    ]);
    expect([lowest, highest, observations]).toEqual([0.01, 2, 101]);
  });

  it("spans a usual range when there is nothing, and never down to zero, which a logarithm has not", () => {
    expect(heatmapGrid(undefined)).toMatchObject({ cells: [], lowest: 0.01, highest: 0.5, observations: 0 });
    const zero = liveHistoryOf([historyStep(0, { roundTripBuckets: [bucket(0, 0.001, 1)] })]);
    expect(heatmapGrid(zero).lowest).toBeGreaterThan(0);
  });

  it("takes what is shorter than a millisecond as one row, however small a browser says it was", () => {
    const roundTripBuckets = [
      bucket(2 ** -33, 2 ** -32, 5),
      bucket(2 ** -11, 2 ** -10, 3),
      bucket(2 ** -10, 2 ** -9, 2),
    ];
    const grid = heatmapGrid(liveHistoryOf([historyStep(0, { roundTripBuckets })]));
    expect(roundTripRows(grid)).toEqual([
      { label: [0, 2 ** -10], count: 8 },
      { label: [2 ** -10, 2 ** -9], count: 2 },
    ]);
    expect([grid.lowest, grid.observations]).toEqual([2 ** -11, 10]);
  });

  it("is also a table: observations by range over all steps", () => {
    const steps = [0, 5000].map((at) =>
      historyStep(at, { roundTripBuckets: [bucket(0.04, 0.08, 2), bucket(0.01, 0.02, 3)] }),
    );
    expect(roundTripRows(heatmapGrid(liveHistoryOf(steps)))).toEqual([
      { label: [0.01, 0.02], count: 6 },
      { label: [0.04, 0.08], count: 4 },
    ]);
  });
});
