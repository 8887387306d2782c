/**
 * A snapshot of the totals in MySQL or MariaDB: one read-only REPEATABLE READ transaction. Commits go on beside it. It holds the
 * lock of maintenance: dropping a partition would wait for the snapshot, and every commit for the drop.
 */
import { retryable, success, type Result } from "../model/result.ts";
import { explainFault, MysqlDatabase, type MysqlOptions } from "./mysql-database.ts";
import { withMysqlLock } from "./mysql-lock.ts";
import type { MysqlSession } from "./mysql-session.ts";
import type { TotalsSnapshot } from "./totals-snapshot.ts";

/** How long maintenance that is under way is waited for, seconds. */
const MAINTENANCE_WAIT_SECONDS = 120;

/** A statement may read months of totals. */
const STATEMENT_TIMEOUT_MILLIS = 900_000;

/** The longest text of merged histograms, bytes; above it a comparison would see only a part. */
const MAX_CONCAT_BYTES = 16_000_000;

/** Gives `work` a snapshot of the database. Retryable `unavailable` with a reason in plain words when it cannot be had. */
export async function withMysqlSnapshot<T>(
  options: MysqlOptions,
  work: (snapshot: TotalsSnapshot) => Promise<T>,
): Promise<Result<T>> {
  const database = new MysqlDatabase({
    statementTimeoutMillis: STATEMENT_TIMEOUT_MILLIS,
    ...options,
    connectionLimit: 1,
  });
  try {
    const read = await database.withSession((session) =>
      withMysqlLock(session, "maintain", MAINTENANCE_WAIT_SECONDS, async () => success(await readOnly(session, work))),
    );
    return read ?? retryable("unavailable", "a receiver has been maintaining its tables for long: try again later");
  } catch (error) {
    return retryable("unavailable", explainFault(error, options.url));
  } finally {
    await database.close();
  }
}

async function readOnly<T>(session: MysqlSession, work: (snapshot: TotalsSnapshot) => Promise<T>): Promise<T> {
  await session.command(`SET SESSION group_concat_max_len = ${MAX_CONCAT_BYTES}`);
  await session.command("SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ");
  await session.command("START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY");
  const value = await work({
    rows: (sql, values = []) => session.rows(sql, values),
    columnName: ({ name }) => name,
  });
  await session.command("ROLLBACK");
  return value;
}
