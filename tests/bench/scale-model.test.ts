/** The model tells what it was made of, is checked by what it was not told, and asks for more when there is more. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { calibration } from "../../bench/scale-calibration.ts";
import { deploymentFor, growthLimits } from "../../bench/scale-deployment.ts";
import { againstOneReceiver, calibrated, cpuOf, leftOut, total, workOf } from "../../bench/scale-model.ts";
import { assumedValues } from "../../bench/scale-prices.ts";
import { SLOT_COUNT } from "../../src/model/slot.ts";
import { madeCells, MADE_OF } from "./scale-cells.ts";

const CELLS = madeCells([10_000, 100_000]);
const KNOWN = calibration({ machine: "made", cells: CELLS });
const ASSUMED = assumedValues();

describe("the calibrated model", () => {
  it("foretells every round that it was told of", () => {
    const model = calibrated(CELLS);
    for (const cell of CELLS) {
      for (const round of cell.rounds) {
        const [told, made] = [total(cpuOf(model, workOf(cell, round))), total(round.cpuSeconds)];
        expect(Math.abs(told / made - 1)).toBeLessThan(0.02);
      }
    }
  });

  it("foretells cells that it was not told of, where costs are what it takes them for", () => {
    const errors = leftOut(CELLS);
    expect(errors).toHaveLength(CELLS.length);
    for (const { error } of errors) expect(Math.abs(error)).toBeLessThan(0.1);
  });

  it("is wrong about a cell in which a point costs twice as much, and says so", () => {
    const dearer = CELLS.map((cell) =>
      cell.series === 100_000 && cell.receivers === 4
        ? {
            ...cell,
            rounds: cell.rounds.map((round) => ({
              ...round,
              cpuSeconds: { ...round.cpuSeconds, receivers: 2 * round.cpuSeconds.receivers },
            })),
          }
        : cell,
    );
    const error = leftOut(dearer).find(({ series, receivers }) => series === 100_000 && receivers === 4)?.error;
    expect(error).toBeLessThan(-0.2);
  });

  it("does not count rounds in which everything was new", () => {
    const cold = CELLS.map((cell) => ({
      ...cell,
      rounds: [
        ...cell.rounds,
        { ...cell.rounds[0]!, isWarm: false, cpuSeconds: { receivers: 1000, redis: 1000, sql: 1000 } },
      ],
    }));
    expect(calibrated(cold)).toEqual(calibrated(CELLS));
  });
});

describe("more receivers against one", () => {
  it("cost what is read back more, and what they cost by being there", () => {
    for (const { cell, ratios } of againstOneReceiver(CELLS)) {
      const alone = CELLS.find(({ series, receivers }) => series === cell.series && receivers === 1)!;
      for (const [at, ratio] of ratios.entries()) {
        const [round, other] = [cell.rounds[at]!, alone.rounds[at]!];
        const expected = total(cpuOf(MADE_OF, workOf(cell, round))) / total(cpuOf(MADE_OF, workOf(alone, other)));
        expect(ratio).toBeCloseTo(expected, 10);
      }
    }
    expect(againstOneReceiver(CELLS)).toHaveLength(4);
  });
});

describe("the calibration of sizes", () => {
  it("finds the bytes that a series takes in a receiver and in Redis", () => {
    expect(KNOWN.receiverBytesPerSeries).toBeCloseTo(5000, 0);
    expect(KNOWN.receiverBaseBytes / 200e6).toBeCloseTo(1, 2);
    expect(KNOWN.redisBytesPerSeries).toBeCloseTo(300, 0);
    expect(KNOWN.bytesPerPoint).toBe(40);
    expect(KNOWN.rowsPerSeries).toBe(4);
  });

  it("tells events of pages from being connected", () => {
    const [event, second] = [0.0003, 0.0001];
    const round = (events: number): Parameters<typeof calibration>[0]["bridge"] => [
      {
        participants: 500,
        seconds: 10,
        events,
        bytes: events * 400,
        cpuSeconds: { receivers: events * event + 5000 * second, redis: 0, sql: 0 },
        receiverPeakBytes: 50e6,
      },
    ];
    const { browsers } = calibration({ machine: "made", cells: CELLS, bridge: [...round(2500)!, ...round(500)!] });
    expect(browsers.event.receivers).toBeCloseTo(event, 10);
    expect(browsers.participantSecond.receivers).toBeCloseTo(second, 10);
    expect(browsers.bytesPerEvent).toBe(400);
  });
});

describe("a deployment", () => {
  const demands = fc.record({
    series: fc.integer({ min: 1000, max: 100_000_000 }),
    exportSeconds: fc.integer({ min: 5, max: 300 }),
    browsers: fc.integer({ min: 0, max: 1_000_000 }),
  });

  it("has enough of everything for what it is asked", () => {
    fc.assert(
      fc.property(demands, (demand) => {
        const deployment = deploymentFor(demand, KNOWN, ASSUMED);
        const { cores, receivers, redisPrimaries, databases, shards } = deployment;
        if (deployment.isPossible) {
          expect(receivers * ASSUMED.busyShare * ASSUMED.receiverCores).toBeGreaterThanOrEqual(cores.receivers);
        }
        expect(redisPrimaries * ASSUMED.busyShare).toBeGreaterThanOrEqual(cores.redis);
        expect(redisPrimaries * ASSUMED.redisPrimaryBytes).toBeGreaterThanOrEqual(deployment.redisBytes);
        expect(databases * ASSUMED.databaseCores * ASSUMED.busyShare).toBeGreaterThanOrEqual(cores.sql);
        expect(databases * ASSUMED.databaseDiskBytes).toBeGreaterThanOrEqual(deployment.diskBytes);
        expect(shards).toBeLessThanOrEqual(SLOT_COUNT);
        if (shards < SLOT_COUNT) expect(shards).toBeGreaterThanOrEqual(receivers);
      }),
    );
  });

  it("never needs less, or costs less, for more series", () => {
    fc.assert(
      fc.property(demands, fc.integer({ min: 1, max: 10 }), (demand, factor) => {
        const less = deploymentFor(demand, KNOWN, ASSUMED);
        const more = deploymentFor({ ...demand, series: demand.series * factor }, KNOWN, ASSUMED);
        for (const name of [
          "receivers",
          "shards",
          "redisPrimaries",
          "databases",
          "diskBytes",
          "usdPerMonth",
        ] as const) {
          expect(more[name]).toBeGreaterThanOrEqual(less[name]);
        }
      }),
    );
  });

  it("has Redis and receivers for their looks at leases, each of which tells of all receivers", () => {
    const demand = { series: 10_000_000, exportSeconds: 60, browsers: 0 };
    const withLooks = deploymentFor(demand, KNOWN, ASSUMED);
    const without = { ...ASSUMED, lookInRedis: 0, candidateInRedis: 0, lookInReceiver: 0, candidateInReceiver: 0 };
    const { receivers, shards } = withLooks;
    const looks = (receivers * shards) / 1e6;
    const oneLook = ASSUMED.lookInRedis + receivers * ASSUMED.candidateInRedis;
    const rest = deploymentFor(demand, KNOWN, without);
    expect(withLooks.isPossible).toBe(true);
    expect(withLooks.receivers).toBeGreaterThanOrEqual(rest.receivers);
    expect(withLooks.cores.redis).toBeGreaterThanOrEqual(rest.cores.redis + looks * oneLook);
  });

  it("is not possible where looking at leases takes more of each receiver than it has", () => {
    const demand = { series: 10_000_000, exportSeconds: 60, browsers: 0 };
    expect(deploymentFor(demand, KNOWN, { ...ASSUMED, candidateInReceiver: 1000 }).isPossible).toBe(false);
  });

  it("costs in proportion to series once it is large", () => {
    const [some, tenfold] = [1_000_000, 10_000_000].map((series) =>
      deploymentFor({ series, exportSeconds: 60, browsers: 0 }, KNOWN, ASSUMED),
    );
    expect(tenfold!.usdPerMonth / some!.usdPerMonth).toBeGreaterThan(9);
    expect(tenfold!.rowsPerSecond / some!.rowsPerSecond).toBeCloseTo(10, 5);
  });

  it("meets every limit at a number of series above zero", () => {
    for (const { at } of growthLimits(KNOWN, ASSUMED)) {
      expect(at).toBeGreaterThan(0);
      expect(Number.isFinite(at)).toBe(true);
    }
  });
});
