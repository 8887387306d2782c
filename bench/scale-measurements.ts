/** The figures of `bench/scale.ts` as they are kept: the model is calibrated by them, and the tables of `docs/scale.md` are made of them. */
import { existsSync, readFileSync, writeFileSync } from "node:fs";

/** CPU seconds by part. */
export interface PartSeconds {
  readonly receivers: number;
  readonly redis: number;
  readonly sql: number;
}

/** One round of one number of receivers: everything from the first request until all of it is in SQL. */
export interface ScaleRound {
  /** `false`: the first of its kind, in which streams and rows are new. */
  readonly isWarm: boolean;
  /** Exports of every service. */
  readonly passes: number;
  readonly requests: number;
  readonly points: number;
  readonly bytesPerRequest: number;
  readonly cpuSeconds: PartSeconds;
  /** Commits that stored something, of all shards. */
  readonly commits: number;
  readonly sqlRows: number;
  readonly sqlStatements: number;
  readonly sqlRedoBytes: number;
  /** Answers of 503, sent again. */
  readonly overloaded: number;
  /** From the first request to the last 2xx. */
  readonly sendSeconds: number;
  readonly wallSeconds: number;
  /** The most that Redis used, beyond what it uses when empty. */
  readonly redisBytes: number;
}

/** What was measured with one number of receivers at one number of series. */
export interface ScaleCell {
  /** ISO 8601 day. */
  readonly day: string;
  /** Load average of the machine, of one minute, lowest and highest as the rounds found it. */
  readonly load: readonly [number, number];
  readonly persistMillis: number;
  readonly receivers: number;
  readonly series: number;
  readonly shards: number;
  readonly rounds: readonly ScaleRound[];
  /** The highest resident set of the largest receiver. */
  readonly receiverPeakBytes: number;
  /** From a 2xx until the live view of another receiver shows it. */
  readonly liveMillis: readonly number[];
  /**
   * From the kill of the receiver that owned most shards until every shard shows what was sent after it; of a single receiver with the start
   * of a new process. `null`: not measured.
   */
  readonly takeOverMillis: number | null;
  /** Shards that the killed receiver owned. */
  readonly shardsOfKilled: number | null;
  /** Bytes of a row on disk, by table, by the server's own estimate. */
  readonly rowBytes: Readonly<Record<string, number>>;
  /** The totals in SQL were what was sent. */
  readonly isExact: boolean;
  /** What ended it early, if anything did. */
  readonly fault: string | null;
}

/** A round of `bench/bridge.ts`: pages that are connected and send. */
export interface BridgeRound {
  readonly participants: number;
  readonly seconds: number;
  readonly events: number;
  readonly bytes: number;
  readonly cpuSeconds: PartSeconds;
  readonly receiverPeakBytes: number;
}

/** A run of the bench. */
export interface ScaleMeasurements {
  readonly machine: string;
  readonly cells: readonly ScaleCell[];
  /** Absent: pages were not measured. */
  readonly bridge?: readonly BridgeRound[];
}

const FILE = new URL("scale-measurements.json", import.meta.url);

/** The measurements that are kept. Throws when there are none. */
export function readMeasurements(): ScaleMeasurements {
  return JSON.parse(readFileSync(FILE, "utf8")) as ScaleMeasurements;
}

/**
 * Keeps the measurements of a run. Cells of numbers of series that it did not measure stay, so that a long run of many series need
 * not be repeated with every short one.
 */
export function keepMeasurements(measured: ScaleMeasurements): void {
  const kept = existsSync(FILE) ? readMeasurements() : undefined;
  const series = new Set(measured.cells.map((cell) => cell.series));
  const cells = [...(kept?.cells ?? []).filter((cell) => !series.has(cell.series)), ...measured.cells];
  cells.sort((a, b) => a.series - b.series || a.receivers - b.receivers);
  write({ ...kept, ...measured, cells });
}

/** Keeps what pages cost, beside the rest. */
export function keepBridge(bridge: readonly BridgeRound[]): void {
  write({ ...readMeasurements(), bridge });
}

function write(measurements: ScaleMeasurements): void {
  writeFileSync(FILE, `${JSON.stringify(measurements, undefined, 2)}\n`);
}
