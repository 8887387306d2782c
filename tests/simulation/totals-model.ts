/**
 * The model of the SQL side: what `RollupStore` promises, as maps, without time or faults. Totals beyond 64 bits and quarantine are
 * not modelled: nothing here reaches them.
 * `totals-model.test.ts` holds it to what SQLite and MariaDB answer.
 */
import type { SeriesDimensions } from "../../src/model/dimensions.ts";
import { LOG_START } from "../../src/model/ingest-log.ts";
import { mergeHistogram, type LatencyHistogram } from "../../src/model/latency-histogram.ts";
import { failure, retryable, success, type Result } from "../../src/model/result.ts";
import { ROLLUP_COLUMNS } from "../../src/model/rollup-columns.ts";
import {
  type CommitOffset,
  GRANULARITIES,
  LEDGER_PAGE_SECONDS,
  type CounterStateRow,
  type Granularity,
  type LedgerPage,
  type LedgerRow,
  type ReceiverCounts,
  type RollupIncrement,
  type ShardCommit,
  type ShardOffset,
} from "../../src/model/rollup-store.ts";
import type { ShardLayout, ShardSlots } from "../../src/model/shard-layout.ts";
import { checkCommit } from "../../src/rollup/check-commit.ts";

/** A row of totals. */
export interface ModelRow {
  readonly seriesId: bigint;
  readonly bucketStart: number;
  /** By column name, those that are not 0; seconds are numbers. */
  readonly values: Map<string, bigint | number>;
  readonly latency: LatencyHistogram;
}

interface ModelLedgerRow extends LedgerRow {
  readonly shard: number;
  readonly generation: number;
  readonly lastId: string;
  readonly position: number;
}

const NEW_OFFSET: ShardOffset = {
  generation: 1,
  lastId: LOG_START,
  logIdentity: "",
  persistedAt: 0,
  commits: 0,
  layout: 1,
  isFinished: false,
};

/** What makes a model break its promises, to see that a simulation finds it. */
export interface TotalsSabotage {
  /** Commits are taken from wherever they begin. */
  readonly anyOffset?: boolean;
  /** Commits of earlier generations are taken. */
  readonly anyGeneration?: boolean;
}

/** A database. */
export class TotalsModel {
  readonly birthSeconds: number;
  readonly #sabotage: TotalsSabotage;
  offsets: Map<number, ShardOffset> = new Map();
  layout: ShardLayout = { epoch: 1, shardCount: 0, previousShardCount: 0, wantedShardCount: 0 };
  #retired = new Map<number, ShardOffset>();
  series: Map<bigint, SeriesDimensions> = new Map();
  rows: Record<Granularity, Map<string, ModelRow>> = { minute: new Map(), hourly: new Map(), daily: new Map() };
  /** The sums of `receiver_minute`, by shard. */
  received: Map<number, ReceiverCounts> = new Map();
  #counterState = new Map<string, CounterStateRow>();
  #ledger: readonly ModelLedgerRow[] = [];

  constructor(birthSeconds: number, sabotage: TotalsSabotage = {}) {
    this.birthSeconds = birthSeconds;
    this.#sabotage = sabotage;
  }

  /** A database that holds the same and goes its own way from now on. */
  copy(): TotalsModel {
    const copy = new TotalsModel(this.birthSeconds, this.#sabotage);
    copy.offsets = new Map(this.offsets);
    copy.layout = this.layout;
    copy.#retired = new Map(this.#retired);
    copy.series = new Map(this.series);
    copy.received = new Map(this.received);
    copy.#counterState = new Map(this.#counterState);
    copy.#ledger = this.#ledger;
    for (const { name } of GRANULARITIES) {
      for (const [key, row] of this.rows[name]) {
        copy.rows[name].set(key, { ...row, values: new Map(row.values), latency: new Map(row.latency) });
      }
    }
    return copy;
  }

  offset(shard: number): Result<ShardOffset> {
    let offset = this.offsets.get(shard);
    if (offset === undefined) {
      const { epoch: layout, shardCount } = this.layout;
      if (shardCount !== 0 && shard >= shardCount) return retryable("unavailable", "simulated: no such shard");
      offset = { ...NEW_OFFSET, layout };
      this.offsets.set(shard, offset);
    }
    return success(offset);
  }

  advanceGeneration(
    shard: number,
    from: ShardOffset,
    to: Pick<ShardOffset, "generation" | "logIdentity">,
  ): Result<void> {
    const stored = this.offsets.get(shard);
    if (stored?.generation !== from.generation || stored.lastId !== from.lastId) return elsewhere();
    this.offsets.set(shard, { ...stored, generation: to.generation, logIdentity: to.logIdentity });
    return success(undefined);
  }

  finish(shard: number, from: ShardOffset): Result<void> {
    const stored = this.offsets.get(shard);
    if (stored?.generation !== from.generation || stored.lastId !== from.lastId) return elsewhere();
    this.offsets.set(shard, { ...stored, generation: stored.generation + 1, isFinished: true });
    return success(undefined);
  }

  want(from: ShardLayout, wantedShardCount: number): Result<void> {
    if (from.wantedShardCount === wantedShardCount) return success(undefined);
    if (from.wantedShardCount !== from.shardCount && wantedShardCount === from.shardCount) return elsewhere();
    if (!this.#isAt(from) || this.layout.shardCount !== from.shardCount) return elsewhere();
    const shardCount = from.shardCount === 0 ? wantedShardCount : from.shardCount;
    this.layout = { ...this.layout, shardCount, wantedShardCount };
    return success(undefined);
  }

  change(from: ShardLayout): Result<void> {
    if (!this.#isAt(from)) return elsewhere();
    const { epoch, shardCount: previousShardCount, wantedShardCount: shardCount } = from;
    const finished = [...this.offsets].filter(
      ([shard, { layout, isFinished }]) => layout === epoch && isFinished && shard < previousShardCount,
    );
    if (finished.length < previousShardCount) return retryable("unavailable", "simulated: shards are not finished");
    const persistedAt = Math.min(...finished.map(([, offset]) => offset.persistedAt));
    this.layout = { epoch: epoch + 1, shardCount, previousShardCount, wantedShardCount: shardCount };
    const next = { layout: epoch + 1, isFinished: false };
    for (const [shard, offset] of this.offsets) {
      const moved = { ...offset, ...next, generation: offset.generation + 1, commits: offset.commits + 1 };
      this.offsets.set(shard, moved);
      if (shard < shardCount) continue;
      this.offsets.delete(shard);
      this.#retired.set(shard, moved);
    }
    for (let shard = 0; shard < shardCount; shard++) {
      if (this.offsets.has(shard)) continue;
      const retired = this.#retired.get(shard);
      const offset = retired
        ? { ...retired, generation: retired.generation + 1, commits: retired.commits + 1 }
        : { ...NEW_OFFSET, commits: 1 };
      this.offsets.set(shard, { ...offset, ...next, persistedAt });
      this.#retired.delete(shard);
    }
    return success(undefined);
  }

  /** Where a shard stands, of this layout or of an earlier one. */
  lastIdOf(shard: number): string {
    return (this.offsets.get(shard) ?? this.#retired.get(shard))?.lastId ?? LOG_START;
  }

  #isAt({ epoch, wantedShardCount }: ShardLayout): boolean {
    return this.layout.epoch === epoch && this.layout.wantedShardCount === wantedShardCount;
  }

  counterState(stateKeys: readonly string[]): Result<readonly CounterStateRow[]> {
    return success(stateKeys.map((key) => this.#counterState.get(key)).filter((row) => row !== undefined));
  }

  ledger({ shard, shardCount }: ShardSlots, receivedAtOrAfter: number): Result<LedgerPage> {
    const all = this.#ledger.filter((row) => row.slot % shardCount === shard && row.receivedAt >= receivedAtOrAfter);
    all.sort(byLedgerKey);
    const isBehind = (row: LedgerRow): boolean => row.receivedAt >= receivedAtOrAfter + LEDGER_PAGE_SECONDS;
    const rows = all
      .filter((row) => !isBehind(row))
      .map(({ slot, entries, receivedAt }) => ({ slot, entries, receivedAt }));
    return success({ rows, nextReceivedAt: all.find(isBehind)?.receivedAt });
  }

  commit(commit: ShardCommit): Result<void> {
    const checked = checkCommit(commit);
    if (checked.kind !== "success") return checked;
    const { shard, offset, persistedAt } = commit;
    const stored = this.offsets.get(shard);
    if (stored === undefined) return elsewhere();
    if (!this.#sabotage.anyGeneration && stored.generation !== offset.generation) return elsewhere();
    if (!this.#sabotage.anyOffset && !isFrom(stored, offset)) return elsewhere();
    const refusal = this.#refusal(commit);
    if (refusal !== undefined) return retryable("unavailable", refusal);
    this.offsets.set(shard, { ...stored, lastId: offset.toId, persistedAt, commits: stored.commits + 1 });
    for (const { seriesId, dimensions } of commit.series) this.series.set(seriesId, dimensions);
    for (const { name } of GRANULARITIES) for (const increment of commit.rollups[name]) this.#add(name, increment);
    this.#count(commit);
    for (const row of commit.counterState) this.#counterState.set(row.stateKey, row);
    this.#keepLedger(commit);
    return success(undefined);
  }

  #refusal({ series, rollups }: ShardCommit): string | undefined {
    const brought = new Set(series.map(({ seriesId }) => seriesId));
    const isKnown = ({ seriesId }: RollupIncrement): boolean => brought.has(seriesId) || this.series.has(seriesId);
    const areKnown = GRANULARITIES.every(({ name }) => rollups[name].every(isKnown));
    return areKnown ? undefined : "simulated: a series was never written";
  }

  #add(granularity: Granularity, increment: RollupIncrement): void {
    const { seriesId, bucketStart, values, latency } = increment;
    const key = rowKey(seriesId, bucketStart);
    let row = this.rows[granularity].get(key);
    if (row === undefined) {
      row = { seriesId, bucketStart, values: new Map(), latency: new Map() };
      this.rows[granularity].set(key, row);
    }
    for (const [column, amount] of wholeAmounts(increment)) {
      row.values.set(column, BigInt(row.values.get(column) ?? 0) + amount);
    }
    values.forEach((amount, position) => {
      const { name, kind } = ROLLUP_COLUMNS[position]!;
      if (kind === "seconds" && amount !== 0) row.values.set(name, Number(row.values.get(name) ?? 0) + amount);
    });
    mergeHistogram(row.latency, latency);
  }

  #count({ shard, receiver }: ShardCommit): void {
    for (const { counts } of receiver) {
      const known = this.received.get(shard);
      const sums = Object.entries(counts).map(([name, count]) => [
        name,
        (known?.[name as keyof ReceiverCounts] ?? 0) + (count as number),
      ]);
      this.received.set(shard, Object.fromEntries(sums) as ReceiverCounts);
    }
  }

  #keepLedger({ shard, shardCount, offset, ledger, ledgerExpiredBefore }: ShardCommit): void {
    const added = ledger.map((row, position) => ({
      ...row,
      shard,
      generation: offset.generation,
      lastId: offset.toId,
      position,
    }));
    const kept = this.#ledger.filter((row) => !added.some((other) => byLedgerKey(row, other) === 0));
    this.#ledger = [...kept, ...added].filter(
      (row) => row.slot % shardCount !== shard || row.receivedAt >= ledgerExpiredBefore,
    );
  }
}

function rowKey(seriesId: bigint, bucketStart: number): string {
  return `${bucketStart} ${seriesId}`;
}

function* wholeAmounts({ values, carry }: RollupIncrement): Generator<readonly [column: string, amount: bigint]> {
  for (let position = 0; position < values.length; position++) {
    const amount = values[position]!;
    const { name, kind } = ROLLUP_COLUMNS[position]!;
    if (amount !== 0 && kind !== "seconds") yield [name, BigInt(amount)];
  }
  for (const [position, amount] of carry) yield [ROLLUP_COLUMNS[position]!.name, BigInt(amount)];
}

/** The order in which `ingest_ledger` is read; ids compare as the text they are in SQL. */
function byLedgerKey(left: ModelLedgerRow, right: ModelLedgerRow): number {
  if (left.receivedAt !== right.receivedAt) return left.receivedAt - right.receivedAt;
  if (left.shard !== right.shard) return left.shard - right.shard;
  if (left.generation !== right.generation) return left.generation - right.generation;
  if (left.lastId !== right.lastId) return left.lastId < right.lastId ? -1 : 1;
  return left.position - right.position;
}

function isFrom({ lastId, commits }: ShardOffset, offset: CommitOffset): boolean {
  return lastId === offset.fromId && (offset.commits === undefined || offset.commits === commits);
}

function elsewhere(): Result<never> {
  return failure("conflict", "simulated: the offset is elsewhere");
}
