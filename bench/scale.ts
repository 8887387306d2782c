/**
 * The bill of growth: one, two and four receivers at ever more series, each on a Redis and a MariaDB of its own, round by round in turns with
 * the same requests. CPU seconds of every process are counted from the first request until all of it is in SQL.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { FleetSender } from "./fleet-sender.ts";
import { ScaleEnvironment } from "./scale-environment.ts";
import { keepMeasurements, type ScaleCell } from "./scale-measurements.ts";
import { printCells } from "./scale-report.ts";
import { ROUTES_PER_SERVICE } from "./service-fleet.ts";

/** How the bench is run. */
export interface ScaleOptions {
  readonly receivers: readonly number[];
  readonly series: readonly number[];
  /** Rounds counted at each number of series, after a warm-up. */
  readonly rounds: number;
  readonly persistMillis: number;
  /** Points of a long round, about: every series exports once at least. */
  readonly points: number;
  /** Writes the figures into `bench/scale-measurements.json`. */
  readonly keep: boolean;
}

/** Runs the bench and prints its table. Returns false when a total is not what was sent. */
export async function benchScale(options: ScaleOptions): Promise<boolean> {
  const machine = `${cpus().length} cores, ${cpus()[0]?.model ?? "unknown"}`;
  const cells: ScaleCell[] = [];
  for (const series of options.series) {
    const measured = await measureSeries(series, options);
    printCells(measured);
    cells.push(...measured);
    if (options.keep) keepMeasurements({ machine, cells: measured });
  }
  return cells.every(({ isExact }) => isExact);
}

async function measureSeries(series: number, options: ScaleOptions): Promise<readonly ScaleCell[]> {
  const serviceCount = Math.ceil(series / ROUTES_PER_SERVICE);
  const [many, few] = passesOf(options.points, series * 5);
  const sender = new FleetSender();
  const environments: ScaleEnvironment[] = [];
  const directory = mkdtempSync(join(tmpdir(), "bench-scale-"));
  try {
    for (const receivers of options.receivers) {
      environments.push(
        await ScaleEnvironment.start({
          directory: mkdtempSync(join(directory, `receivers-${receivers}-`)),
          receivers,
          series,
          persistMillis: options.persistMillis,
        }),
      );
    }
    await sender.begin(serviceCount, Date.now());
    for (let round = 0; round <= options.rounds; round += 1) {
      // Few exports a commit in every second round: what a point costs and what a row costs can be told apart.
      const passes = round % 2 === 0 && round > 0 ? few : many;
      const made = await sender.make(passes);
      const order = round % 2 === 0 ? environments : environments.toReversed();
      for (const environment of order) await environment.round(sender, made, passes, round > 0);
    }
    for (const environment of environments) await environment.probeLive();
    const last = await sender.make(1);
    for (const environment of environments) await environment.killOne(sender, last);
    return await Promise.all(environments.map((environment) => environment.cell()));
  } finally {
    sender.end();
    for (const environment of environments) await environment.stop();
    rmSync(directory, { recursive: true, force: true });
  }
}

/** How often each service exports in a long and in a short round. */
function passesOf(points: number, pointsPerPass: number): readonly [number, number] {
  const many = Math.max(1, Math.round(points / pointsPerPass));
  return [many, Math.max(1, Math.round(many / 4))];
}
