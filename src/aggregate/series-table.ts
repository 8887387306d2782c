/**
 * Fold, inside: the series of a shard and what their rows have gained since the last commit. Only minutes are counted;
 * hours and days are added up from them when a commit is taken.
 */
import { fitDimensions, overflowDimensions, seriesId, type SeriesDimensions } from "../model/dimensions.ts";
import { fitsRollupValue, ROLLUP_COLUMNS, type RollupValues } from "../model/rollup-columns.ts";
import { mergeHistogram } from "../model/latency-histogram.ts";
import { chunkedArray } from "./number-slab.ts";
import { LatencyAccumulator } from "./latency-accumulator.ts";
import { LatencyParts } from "./latency-parts.ts";

/** What one minute of one series has gained since the last commit. */
export interface MinuteRow {
  readonly series: Series;
  /** Start of the minute, epoch seconds. */
  readonly bucketStart: number;
  readonly values: RollupValues;
  /** What would have passed 2^53 in `values`: position and amount. */
  readonly carry: [number, number][];
  readonly latency: LatencyAccumulator;
}

/** One series of the shard. */
export interface Series {
  readonly id: bigint;
  readonly dimensions: SeriesDimensions;
  /** The same text for series whose durations are stored together. */
  readonly serviceKey: string;
  /** Whether this is the row that takes what comes after a limit. */
  readonly isOverflow: boolean;
  /** The row that was added to last. */
  current: MinuteRow | undefined;
  readonly rows: Map<number, MinuteRow>;
  /** Newest receive time, milliseconds. */
  touchedAtMillis: number;
  /** Whether a commit has written it to `series`. */
  written: boolean;
  /** Set when the table has let go of it: whoever holds it must ask again. */
  evicted: boolean;
  /** Durations that a commit has taken out of the rows before the live view did. */
  liveLatency: LatencyParts[];
}

function serviceKeyOf({ namespace, service, environment, side, protocol }: SeriesDimensions): string {
  return JSON.stringify([namespace, service, environment, side, protocol]);
}

/** The series and rows of one shard. */
export class SeriesTable {
  readonly #shard: number;
  readonly #maxSeries: number;
  readonly #maxSeriesOf: (tenant: string) => number;
  readonly #byDimensions = new Map<string, Series>();
  /** Active series of each tenant, those of overflow left out; no tenant without one. */
  readonly #perTenant = new Map<string, number>();
  #active = 0;
  #dirty: MinuteRow[] = [];

  /**
   * `maxSeries`: active series before the overflow row takes the rest. `maxSeriesOf`: those of one tenant (`service.namespace`) before
   * an overflow row of its own takes the rest of it; `Infinity`: no such limit.
   */
  constructor(shard: number, maxSeries: number, maxSeriesOf: (tenant: string) => number = () => Infinity) {
    this.#shard = shard;
    this.#maxSeries = maxSeries;
    this.#maxSeriesOf = maxSeriesOf;
  }

  /** How many series are active. */
  get size(): number {
    return this.#byDimensions.size;
  }

  /** How many rows have gained something since the last commit. */
  get pendingRows(): number {
    return this.#dirty.length;
  }

  /** The series of these dimensions, or an overflow series when there is no room for another. */
  series(dimensions: SeriesDimensions): Series {
    const fitted = fitDimensions(dimensions);
    const key = JSON.stringify(fitted);
    const known = this.#byDimensions.get(key);
    if (known) return known;
    const { namespace: tenant, protocol, side } = fitted;
    const [ofTenant, maxOfTenant] = [this.#perTenant.get(tenant) ?? 0, this.#maxSeriesOf(tenant)];
    if (this.#active < this.#maxSeries && ofTenant < maxOfTenant) return this.#add(key, fitted, false);
    // Only who has an active series has a row of its own: namespaces are the senders' to make up.
    const owner = maxOfTenant < Infinity && ofTenant > 0 ? tenant : "";
    const overflow = overflowDimensions(this.#shard, protocol, side, owner);
    const overflowKey = JSON.stringify(overflow);
    return this.#byDimensions.get(overflowKey) ?? this.#add(overflowKey, overflow, true);
  }

  #count({ isOverflow, dimensions: { namespace } }: Series, sign: 1 | -1): void {
    if (isOverflow) return;
    this.#active += sign;
    const left = (this.#perTenant.get(namespace) ?? 0) + sign;
    if (left === 0) this.#perTenant.delete(namespace);
    else this.#perTenant.set(namespace, left);
  }

  #add(key: string, dimensions: SeriesDimensions, isOverflow: boolean): Series {
    const series: Series = {
      id: seriesId(dimensions),
      dimensions,
      serviceKey: serviceKeyOf(dimensions),
      isOverflow,
      current: undefined,
      rows: new Map(),
      touchedAtMillis: 0,
      written: false,
      evicted: false,
      liveLatency: [],
    };
    this.#byDimensions.set(key, series);
    this.#count(series, 1);
    return series;
  }

  /** The row of a series and minute, made when it is not there. */
  row(series: Series, bucketStart: number): MinuteRow {
    const current = series.current;
    if (current !== undefined && current.bucketStart === bucketStart) return current;
    let row = series.rows.get(bucketStart);
    if (row === undefined) {
      const values = chunkedArray(ROLLUP_COLUMNS.length);
      row = { series, bucketStart, values, carry: [], latency: new LatencyAccumulator() };
      series.rows.set(bucketStart, row);
      this.#dirty.push(row);
    }
    series.current = row;
    return row;
  }

  /** Takes every row that has gained something; the table counts from zero afterwards. */
  takeRows(): readonly MinuteRow[] {
    const rows = this.#dirty;
    this.#dirty = [];
    for (const row of rows) {
      keepForLiveView(row);
      row.series.current = undefined;
      row.series.rows.clear();
    }
    return rows;
  }

  /** Every series. */
  all(): Iterable<Series> {
    return this.#byDimensions.values();
  }

  /** Lets go of series that nothing was received of since a time and that have nothing to commit. */
  evictIdle(beforeMillis: number): void {
    for (const [key, series] of this.#byDimensions) {
      if (series.touchedAtMillis >= beforeMillis || series.rows.size > 0) continue;
      series.evicted = true;
      this.#byDimensions.delete(key);
      this.#count(series, -1);
    }
  }
}

/** The durations of a series that the live view has not shown yet; they count as shown afterwards. */
export function takeLiveLatency(series: Series): LatencyParts {
  const parts = series.liveLatency;
  series.liveLatency = [];
  for (const { latency } of series.rows.values()) {
    const news = latency.takeNews();
    if (news) parts.push(news);
  }
  return LatencyParts.sum(parts);
}

/** Parts that wait for the live view before they become one. */
const MAX_WAITING_PARTS = 16;

function keepForLiveView({ series, latency }: MinuteRow): void {
  const news = latency.takeNews();
  if (news) series.liveLatency.push(news);
  if (series.liveLatency.length < MAX_WAITING_PARTS) return;
  const stored = new Map<number, number>();
  mergeHistogram(stored, LatencyParts.sum(series.liveLatency));
  series.liveLatency = [new LatencyParts([], [stored])];
}

/** Adds to a row exactly: what would pass 2^53 is carried beside it. */
export function addToRow(row: MinuteRow, position: number, amount: number): void {
  const sum = row.values[position]! + amount;
  if (fitsRollupValue(position, sum)) row.values[position] = sum;
  else row.carry.push([position, amount]);
}
