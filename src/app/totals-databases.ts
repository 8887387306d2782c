/**
 * The stores of all databases of the totals: each shard is counted in its own, and what concerns all is asked of each.
 */
import type { AlertRule } from "../model/alert-rule.ts";
import type { AlertMeasurement, AlertStore, AlertTimes } from "../model/alert-store.ts";
import { success, type Result } from "../model/result.ts";
import type { LayoutStore } from "../model/shard-layout.ts";
import { LayoutOfDatabases } from "../rollup/layout-of-databases.ts";
import type { Granularity, RollupReader, RollupRow, RollupStore } from "../model/rollup-store.ts";

/** What a database offers. */
export type TotalsDatabase = RollupStore &
  RollupReader & { readonly alerts: AlertStore; readonly layouts: LayoutStore };

/** What concerns all databases. */
export type WholeTotals = RollupReader &
  Pick<RollupStore, "maintain" | "maintainedAt" | "ready" | "statementCounts" | "close">;

/** Several stores as one. */
export class TotalsDatabases implements WholeTotals {
  readonly #stores: readonly TotalsDatabase[];
  readonly #names: readonly string[];

  /** `names`: for a person, by position. Ends the stores with `close`. */
  constructor(stores: readonly TotalsDatabase[], names: readonly string[]) {
    this.#stores = stores;
    this.#names = names;
  }

  /** The store of a shard: slot modulo `SHARDS` is the shard, and `SHARDS` is a multiple of the databases. */
  of(shard: number): RollupStore {
    return this.#stores[shard % this.#stores.length]!;
  }

  /** Alerts measured over all databases and kept in the first. */
  get alerts(): AlertStore {
    const [first, ...others] = this.#stores.map(({ alerts }) => alerts);
    return others.length === 0 ? first! : new AlertsAcross(first!, others);
  }

  /** Of all databases together. */
  get layouts(): LayoutStore {
    const stores = this.#stores.map(({ layouts }) => layouts);
    return stores.length === 1 ? stores[0]! : new LayoutOfDatabases(stores);
  }

  maintain(nowSeconds: number, retentionSeconds: number): Promise<Result<void>> {
    return this.#all((store) => store.maintain(nowSeconds, retentionSeconds));
  }

  /** The latest of all: receivers maintain them together. */
  async maintainedAt(): Promise<Result<number>> {
    let latest = 0;
    const read = await this.#all(async (store) => {
      const at = await store.maintainedAt();
      if (at.kind !== "success") return at;
      latest = Math.max(latest, at.value);
      return success(undefined);
    });
    return read.kind === "success" ? success(latest) : read;
  }

  ready(): Promise<Result<void>> {
    return this.#all((store) => store.ready());
  }

  async rows(granularity: Granularity, fromSeconds: number, toSeconds: number): Promise<Result<readonly RollupRow[]>> {
    const rows: RollupRow[] = [];
    for (const store of this.#stores) {
      const read = await store.rows(granularity, fromSeconds, toSeconds);
      if (read.kind !== "success") return read;
      rows.push(...read.value);
    }
    return success(
      rows.sort((left, right) => left.bucketStart - right.bucketStart || (left.seriesId < right.seriesId ? -1 : 1)),
    );
  }

  statementCounts(): { readonly writes: number; readonly reads: number } {
    const counts = this.#stores.map((store) => store.statementCounts());
    return {
      writes: counts.reduce((sum, { writes }) => sum + writes, 0),
      reads: counts.reduce((sum, { reads }) => sum + reads, 0),
    };
  }

  async close(): Promise<void> {
    await Promise.all(this.#stores.map((store) => store.close()));
  }

  /** Asks all at once; the first that fails is named. */
  async #all(work: (store: TotalsDatabase) => Promise<Result<void>>): Promise<Result<void>> {
    const done = await Promise.all(this.#stores.map(work));
    for (const [position, result] of done.entries()) {
      if (result.kind === "success") continue;
      return done.length === 1 ? result : { ...result, reason: `${this.#names[position]}: ${result.reason}` };
    }
    return success(undefined);
  }
}

class AlertsAcross implements AlertStore {
  readonly #first: AlertStore;
  readonly #all: readonly AlertStore[];
  readonly open: AlertStore["open"];
  readonly resolved: AlertStore["resolved"];
  readonly change: AlertStore["change"];
  readonly writeThresholds: AlertStore["writeThresholds"];

  constructor(first: AlertStore, others: readonly AlertStore[]) {
    this.#first = first;
    this.#all = [first, ...others];
    this.open = (limit) => this.#first.open(limit);
    this.resolved = (since, limit) => this.#first.resolved(since, limit);
    this.change = (changes) => this.#first.change(changes);
    this.writeThresholds = (thresholds, now) => this.#first.writeThresholds(thresholds, now);
  }

  async measure(rule: AlertRule, times: AlertTimes, limit: number): Promise<Result<readonly AlertMeasurement[]>> {
    // What is added up over the databases may have its samples only together.
    const asked = rule.across === "sum" ? { ...rule, minimumSamples: 0 } : rule;
    const found: AlertMeasurement[] = [];
    for (const store of this.#all) {
      const measured = await store.measure(asked, times, limit);
      if (measured.kind !== "success") return measured;
      found.push(...measured.value);
    }
    const merged = mergeMeasurements(rule, found).filter(({ samples }) => samples >= rule.minimumSamples);
    return success(merged.sort((left, right) => right.value - left.value).slice(0, limit));
  }
}

/** One measurement a scope: added up, or the worst of it, as the rule says. */
function mergeMeasurements(rule: AlertRule, found: readonly AlertMeasurement[]): AlertMeasurement[] {
  const merged = new Map<string, AlertMeasurement>();
  for (const one of found) {
    const key = one.scopeValues.join("\0");
    const before = merged.get(key);
    merged.set(key, before === undefined ? one : together(rule, before, one));
  }
  return [...merged.values()];
}

function together(rule: AlertRule, left: AlertMeasurement, right: AlertMeasurement): AlertMeasurement {
  const value = rule.across === "sum" ? left.value + right.value : Math.max(left.value, right.value);
  return { ...left, value, samples: left.samples + right.samples };
}
