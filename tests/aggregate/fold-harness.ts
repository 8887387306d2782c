/**
 * Runs a fold over requests and reads back what it would commit, without log or SQL.
 */
import { incrementsOf, type Increments } from "../../src/aggregate/increments.ts";
import { ShardFold, type FoldedState } from "../../src/aggregate/shard-fold.ts";
import type { ShardFoldOptions } from "../../src/aggregate/shard-fold-options.ts";
import type { LogEntry } from "../../src/model/ingest-log.ts";
import { ROLLUP_COLUMNS, rollupPosition } from "../../src/model/rollup-columns.ts";
import type { CounterStateRow, RollupIncrement } from "../../src/model/rollup-store.ts";
import { walkMetrics } from "../../src/otlp/walk-metrics.ts";

/** Epoch seconds at which the tests' totals begin. */
export const BIRTH = 1_800_000_000;
/** One second in nanoseconds. */
export const SECOND = 1_000_000_000n;
/** A time after birth, nanoseconds. */
export const at = (seconds: number): bigint => BigInt(BIRTH + seconds) * SECOND;

const DEFAULTS: ShardFoldOptions = {
  shard: 0,
  walk: walkMetrics,
  maxSeries: 1000,
  deltaMaxAgeMillis: 3_600_000,
  maxRecentDeltas: 100_000,
  maxStateBytes: 100_000_000,
  birthSeconds: BIRTH,
  prices: { nanosPerUserHour: 50_000_000, nanosPerGigabyte: 0 },
};

/** A fold with its commits added up. */
export class FoldHarness {
  fold: ShardFold;
  readonly options: ShardFoldOptions;
  readonly increments: Increments[] = [];
  readonly states: FoldedState[] = [];
  readonly counts: Record<string, number> = {};
  /** Counter state as SQL would hold it. */
  readonly stored: Map<string, CounterStateRow> = new Map();
  #sequence = 0;

  constructor(options: Partial<ShardFoldOptions> = {}) {
    this.options = { ...DEFAULTS, ...options };
    this.fold = new ShardFold(this.options);
  }

  /** Folds a request received at a time (epoch seconds). */
  receive(given: Uint8Array, receivedAtSeconds: number, extra: Partial<LogEntry> = {}): this {
    this.#sequence++;
    const body = Uint8Array.from(given);
    const entry: LogEntry = {
      id: `${this.#sequence}-0`,
      contentType: "protobuf",
      encoding: "identity",
      body,
      bodyHash: new Uint8Array(0),
      receivedAtMillis: receivedAtSeconds * 1000,
      ...extra,
    };
    const unloaded = this.fold.unloadedScopes(entry, body);
    this.fold.install(
      unloaded,
      unloaded.flatMap(({ stateKey }) => this.stored.get(stateKey) ?? []),
    );
    this.fold.fold(entry, body);
    // The fold keeps nothing of a body: its memory is given back.
    body.fill(0xff);
    return this;
  }

  /** Takes a commit. */
  commit(): this {
    this.increments.push(incrementsOf(this.fold.series.takeRows(), this.options.shard));
    const state = this.fold.take();
    this.states.push(state);
    for (const row of state.counterState) this.stored.set(row.stateKey, row);
    for (const { counts } of this.fold.counts.take()) {
      for (const [name, count] of Object.entries(counts)) this.counts[name] = (this.counts[name] ?? 0) + count;
    }
    return this;
  }

  /** Ends the process after a commit and starts another on what is stored. */
  restart(): this {
    this.commit();
    const ledger = this.states.flatMap(({ ledger: rows }) => rows);
    this.fold = new ShardFold(this.options);
    this.fold.recall(ledger);
    return this;
  }

  /** The total of a column over all minutes, exact. */
  total(column: string, granularity: "minute" | "hourly" | "daily" = "minute"): bigint {
    this.commit();
    const position = rollupPosition(column);
    return sumOf(
      this.increments.flatMap(({ rollups }) => rollups[granularity]),
      position,
    );
  }

  /** Totals of every whole column that is not 0, by name. */
  totals(): Record<string, bigint> {
    this.commit();
    const rows = this.increments.flatMap(({ rollups }) => rollups.minute);
    const entries = ROLLUP_COLUMNS.filter(({ kind }) => kind !== "seconds")
      .map(({ name }) => [name, sumOf(rows, rollupPosition(name))] as const)
      .filter(([, sum]) => sum !== 0n);
    return Object.fromEntries(entries);
  }

  /** All latency observations, by bucket. */
  latency(): Map<number, number> {
    this.commit();
    const buckets = new Map<number, number>();
    for (const { rollups } of this.increments) {
      for (const { latency } of rollups.minute) {
        for (const [index, count] of latency) buckets.set(index, (buckets.get(index) ?? 0) + count);
      }
    }
    return buckets;
  }
}

function sumOf(rows: readonly RollupIncrement[], position: number): bigint {
  let sum = 0n;
  for (const { values, carry } of rows) {
    sum += BigInt(values[position]!);
    for (const [place, amount] of carry) if (place === position) sum += BigInt(amount);
  }
  return sum;
}
