/** A store of alerts in memory: what rules measure is set by the test, and SQL can be out of reach. */
import type { AlertRule } from "../../src/model/alert-rule.ts";
import type {
  AlertChanges,
  AlertMeasurement,
  AlertRow,
  AlertStore,
  AlertThreshold,
} from "../../src/model/alert-store.ts";
import { retryable, success, type Result } from "../../src/model/result.ts";

/** Rows as a table would hold them, shared by every receiver that is given this store. */
export class MemoryAlertStore implements AlertStore {
  rows: AlertRow[] = [];
  thresholds: readonly AlertThreshold[] = [];
  /** What each rule measures, by its id; what has too few samples is left out as SQL does. */
  readonly measured: Map<string, readonly AlertMeasurement[]> = new Map();
  /** Whether SQL is out of reach, for reading and writing, or for writing alone. */
  outage: "none" | "all" | "writes" = "none";
  reads = 0;
  writes = 0;

  /** Sets what a rule without scope columns measures. */
  measures(rule: string, value: number, samples: number = Number.MAX_SAFE_INTEGER): void {
    this.measured.set(rule, [{ scopeValues: [], value, samples }]);
  }

  measure({ id, minimumSamples }: AlertRule, _: unknown, limit: number): Promise<Result<readonly AlertMeasurement[]>> {
    return this.#read(() =>
      (this.measured.get(id) ?? [])
        .filter(({ samples }) => samples >= minimumSamples)
        .toSorted((a, b) => b.value - a.value)
        .slice(0, limit),
    );
  }

  open(limit: number): Promise<Result<readonly AlertRow[]>> {
    return this.#read(() =>
      this.rows
        .filter(({ resolvedAt }) => resolvedAt === null)
        .toSorted((a, b) => a.startedAt - b.startedAt)
        .slice(0, limit),
    );
  }

  resolved(since: number, limit: number): Promise<Result<readonly AlertRow[]>> {
    return this.#read(() =>
      this.rows
        .filter(({ resolvedAt }) => resolvedAt !== null && resolvedAt >= since)
        .toSorted((a, b) => b.resolvedAt! - a.resolvedAt!)
        .slice(0, limit),
    );
  }

  async change({ started, updated }: AlertChanges): Promise<Result<void>> {
    if (this.outage !== "none") return retryable("unavailable", "out of reach");
    this.writes += 1;
    for (const { value, resolvedAt, ...key } of updated) {
      this.rows = this.rows.map((row) =>
        isSame(row, key) && row.startedAt === key.startedAt && row.resolvedAt === null
          ? { ...row, value, resolvedAt }
          : row,
      );
    }
    for (const row of started) {
      const taken = (known: AlertRow): boolean =>
        isSame(known, row) && (known.resolvedAt === null || known.startedAt === row.startedAt);
      if (!this.rows.some((known) => taken(known))) this.rows.push({ ...row, resolvedAt: null });
    }
    return success(undefined);
  }

  async writeThresholds(thresholds: readonly AlertThreshold[]): Promise<Result<void>> {
    if (this.outage !== "none") return retryable("unavailable", "out of reach");
    this.thresholds = thresholds;
    return success(undefined);
  }

  async #read<T>(read: () => T): Promise<Result<T>> {
    if (this.outage === "all") return retryable("unavailable", "out of reach");
    this.reads += 1;
    return success(read());
  }
}

function isSame(left: { rule: string; scope: string }, right: { rule: string; scope: string }): boolean {
  return left.rule === right.rule && left.scope === right.scope;
}
