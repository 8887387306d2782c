/**
 * Gives a command one look at the totals, wherever the settings say they are.
 */
import type { Clock } from "../model/clock.ts";
import type { Result } from "../model/result.ts";
import { migrationStanding } from "../rollup/migration-inspection.ts";
import { withMysqlSnapshot } from "../rollup/mysql-snapshot.ts";
import { withSqliteSnapshot } from "../rollup/sqlite-snapshot.ts";
import { snapshotMigrations } from "../rollup/totals-facts.ts";
import type { TotalsSnapshot } from "../rollup/totals-snapshot.ts";
import type { ReceiverSettings } from "./settings.ts";
import { embeddedTotalsFile } from "./stores.ts";

/** What a command ends with when a store is out of reach: it could neither do nor find out anything. */
export const OUT_OF_REACH = 3;

/** Gives `work` a snapshot of totals that are migrated as this version knows them. Retryable `unavailable` when they are not. */
export async function withTotals<T>(
  { mysqlUrl, dataDirectory }: ReceiverSettings,
  clock: Clock,
  work: (snapshot: TotalsSnapshot) => Promise<T>,
): Promise<Result<T>> {
  const engine = mysqlUrl === undefined ? "sqlite" : "mysql";
  const checked = async (snapshot: TotalsSnapshot): Promise<T> => {
    const { pending, fault } = migrationStanding(engine, await snapshotMigrations(snapshot));
    if (fault !== undefined) throw new Error(fault);
    if (pending.length > 0) throw new Error(`migrations have not run: ${pending.join(", ")} (otel-bandwidth migrate)`);
    return await work(snapshot);
  };
  return mysqlUrl === undefined
    ? withSqliteSnapshot(embeddedTotalsFile(dataDirectory), checked)
    : withMysqlSnapshot({ url: mysqlUrl, clock }, checked);
}
