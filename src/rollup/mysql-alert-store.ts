/**
 * Alerts in MySQL or MariaDB, on the connections of the totals.
 */
import type { AlertRule } from "../model/alert-rule.ts";
import type {
  AlertChanges,
  AlertMeasurement,
  AlertRow,
  AlertStore,
  AlertThreshold,
  AlertTimes,
  AlertUpdate,
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
import { paddedChunks } from "./mysql-chunks.ts";
import type { MysqlDatabase } from "./mysql-database.ts";
import type { MysqlSession } from "./mysql-session.ts";

/** Alerts in one statement. */
const MAX_ALERTS_PER_STATEMENT = 256;

/** The store of alerts on MySQL and MariaDB. */
export class MysqlAlertStore implements AlertStore {
  readonly #database: MysqlDatabase;

  /** Uses the connections of a database that its owner closes. */
  constructor(database: MysqlDatabase) {
    this.#database = database;
  }

  measure(rule: AlertRule, times: AlertTimes, limit: number): Promise<Result<readonly AlertMeasurement[]>> {
    const { sql, values } = measurementSql(rule, "mysql", times, limit);
    return this.#answer(async (session) => {
      const rows = await session.rows(sql, values);
      return rows.map((row) => measurementOf(row, rule));
    });
  }

  open(limit: number): Promise<Result<readonly AlertRow[]>> {
    return this.#answer(async (session) =>
      (await session.rows(openAlertsSql(limit), [])).map((row) => alertRowOf(row)),
    );
  }

  resolved(resolvedAtOrAfter: number, limit: number): Promise<Result<readonly AlertRow[]>> {
    return this.#answer(async (session) => {
      const rows = await session.rows(resolvedAlertsSql(limit), [resolvedAtOrAfter]);
      return rows.map((row) => alertRowOf(row));
    });
  }

  change({ started, updated }: AlertChanges): Promise<Result<void>> {
    return this.#answer(async (session) => {
      await session.transaction(async () => {
        await update(session, updated);
        await start(session, started);
        return true;
      });
    });
  }

  writeThresholds(thresholds: readonly AlertThreshold[], nowSeconds: number): Promise<Result<void>> {
    return this.#answer(async (session) => {
      await session.transaction(async () => {
        await session.run("DELETE FROM alert_thresholds", []);
        if (thresholds.length === 0) return true;
        await session.run(
          `INSERT INTO alert_thresholds (${THRESHOLD_COLUMNS.join(", ")}) VALUES ${tuples(thresholds.length, THRESHOLD_COLUMNS.length)}`,
          thresholds.flatMap((threshold) => thresholdValues(threshold, nowSeconds)),
        );
        return true;
      });
    });
  }

  async #answer<T>(work: (session: MysqlSession) => Promise<T>): Promise<Result<T>> {
    try {
      return success(await this.#database.withSession(work));
    } catch (error) {
      return retryable("unavailable", `MySQL: ${messageOf(error)}`);
    }
  }
}

async function start(session: MysqlSession, started: readonly AlertRow[]): Promise<void> {
  for (const rows of paddedChunks(started, MAX_ALERTS_PER_STATEMENT, (last) => last)) {
    await session.run(
      `INSERT INTO bandwidth_alerts (${STARTED_COLUMNS.join(", ")}) VALUES ${tuples(rows.length, STARTED_COLUMNS.length)}
       ON DUPLICATE KEY UPDATE rule = bandwidth_alerts.rule`,
      rows.flatMap((row) => startedValues(row)),
    );
  }
}

async function update(session: MysqlSession, updated: readonly AlertUpdate[]): Promise<void> {
  const first = "SELECT ? AS rule, ? AS scope, ? AS started_at, ? AS value, ? AS resolved_at";
  for (const rows of paddedChunks(updated, MAX_ALERTS_PER_STATEMENT, (last) => last)) {
    const others = " UNION ALL SELECT ?, ?, ?, ?, ?".repeat(rows.length - 1);
    await session.run(
      `UPDATE bandwidth_alerts a JOIN (${first}${others}) AS c
         ON a.rule = c.rule AND a.scope = c.scope AND a.started_at = c.started_at
       SET a.value = c.value, a.resolved_at = NULLIF(c.resolved_at, 0) WHERE a.resolved_at IS NULL`,
      rows.flatMap((row) => updateValues(row)),
    );
  }
}

function tuples(rows: number, columns: number): string {
  const tuple = `(${Array(columns).fill("?").join(", ")})`;
  return Array(rows).fill(tuple).join(", ");
}
