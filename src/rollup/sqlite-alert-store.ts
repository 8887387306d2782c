/**
 * Alerts in the SQLite file of the totals, on the same connection.
 */
import type { AlertRule } from "../model/alert-rule.ts";
import type {
  AlertChanges,
  AlertMeasurement,
  AlertRow,
  AlertStore,
  AlertThreshold,
  AlertTimes,
} from "../model/alert-store.ts";
import { messageOf, retryable, success, type Result } from "../model/result.ts";
import {
  alertRowOf,
  measurementOf,
  measurementSql,
  openAlertsSql,
  resolvedAlertsSql,
  STARTED_COLUMNS,
  startedValues,
  THRESHOLD_COLUMNS,
  thresholdValues,
  updateValues,
} from "./alert-rows.ts";
import type { SqliteSession } from "./sqlite-session.ts";

const START = `${insert("bandwidth_alerts", STARTED_COLUMNS)} ON CONFLICT DO NOTHING`;

const UPDATE = `UPDATE bandwidth_alerts SET value = ?4, resolved_at = NULLIF(?5, 0)
  WHERE rule = ?1 AND scope = ?2 AND started_at = ?3 AND resolved_at IS NULL`;

/** The store of alerts on SQLite. */
export class SqliteAlertStore implements AlertStore {
  readonly #session: () => SqliteSession;

  /** `session` gives the connection of the totals, or throws when it was closed. */
  constructor(session: () => SqliteSession) {
    this.#session = session;
  }

  async measure(rule: AlertRule, times: AlertTimes, limit: number): Promise<Result<readonly AlertMeasurement[]>> {
    const { sql, values } = measurementSql(rule, "sqlite", times, limit);
    return this.#answer((session) => session.all(sql, values).map((row) => measurementOf(row, rule)));
  }

  async open(limit: number): Promise<Result<readonly AlertRow[]>> {
    return this.#answer((session) => session.all(openAlertsSql(limit), []).map((row) => alertRowOf(row)));
  }

  async resolved(resolvedAtOrAfter: number, limit: number): Promise<Result<readonly AlertRow[]>> {
    const values = [resolvedAtOrAfter];
    return this.#answer((session) => session.all(resolvedAlertsSql(limit), values).map((row) => alertRowOf(row)));
  }

  async change({ started, updated }: AlertChanges): Promise<Result<void>> {
    return this.#answer((session) => {
      session.transaction(() => {
        for (const row of updated) session.run(UPDATE, updateValues(row));
        for (const row of started) session.run(START, startedValues(row));
        return true;
      });
    });
  }

  async writeThresholds(thresholds: readonly AlertThreshold[], nowSeconds: number): Promise<Result<void>> {
    return this.#answer((session) => {
      session.transaction(() => {
        session.run("DELETE FROM alert_thresholds", []);
        if (thresholds.length === 0) return true;
        const values = thresholds.flatMap((threshold) => thresholdValues(threshold, nowSeconds));
        session.run(insert("alert_thresholds", THRESHOLD_COLUMNS, thresholds.length), values);
        return true;
      });
    });
  }

  #answer<T>(work: (session: SqliteSession) => T): Result<T> {
    try {
      return success(work(this.#session()));
    } catch (error) {
      return retryable("unavailable", `SQLite: ${messageOf(error)}`);
    }
  }
}

function insert(table: string, columns: readonly string[], rows = 1): string {
  const marks = `(${columns.map(() => "?").join(", ")})`;
  return `INSERT INTO ${table} (${columns.join(", ")}) VALUES ${Array(rows).fill(marks).join(", ")}`;
}
