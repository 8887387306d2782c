/**
 * Gives a command one look at the totals, wherever the settings say they are.
 */
import type { Clock } from "../model/clock.ts";
import type { Result } from "../model/result.ts";
import { placeFault } from "../rollup/database-place.ts";
import { migrationStanding } from "../rollup/migration-inspection.ts";
import { withMysqlSnapshot } from "../rollup/mysql-snapshot.ts";
import { withSqliteSnapshot } from "../rollup/sqlite-snapshot.ts";
import { snapshotMigrations } from "../rollup/totals-facts.ts";
import type { TotalsSnapshot } from "../rollup/totals-snapshot.ts";
import type { ReceiverSettings } from "./settings.ts";
import { embeddedTotalsFile, placesOf } from "./stores.ts";
import { forEachPlace, type TotalsPlace } from "./totals-places.ts";

/** What a command ends with when a store is out of reach: it could neither do nor find out anything. */
export const OUT_OF_REACH = 3;

/**
 * Gives `work` a snapshot of each database in turn, of totals that are migrated as this version knows them, and returns what came of it
 * by the databases' positions. Each snapshot is of its own moment. Retryable `unavailable` when one cannot be had.
 */
export function withTotals<T>(
  settings: ReceiverSettings,
  clock: Clock,
  work: (snapshot: TotalsSnapshot, place: TotalsPlace) => Promise<T>,
): Promise<Result<readonly T[]>> {
  return forEachPlace(placesOf(settings), (place) =>
    withPlace(place, embeddedTotalsFile(settings.dataDirectory), clock, (snapshot) => work(snapshot, place)),
  );
}

async function withPlace<T>(
  { url, position, count }: TotalsPlace,
  file: string,
  clock: Clock,
  work: (snapshot: TotalsSnapshot) => Promise<T>,
): Promise<Result<T>> {
  const engine = url === undefined ? "sqlite" : "mysql";
  const checked = async (snapshot: TotalsSnapshot): Promise<T> => {
    const { pending, fault } = migrationStanding(engine, await snapshotMigrations(snapshot));
    if (fault !== undefined) throw new Error(fault);
    if (pending.length > 0) throw new Error(`migrations have not run: ${pending.join(", ")} (otel-bandwidth migrate)`);
    const misplaced = url === undefined ? undefined : await placeFault(snapshot, { position, count });
    if (misplaced !== undefined) throw new Error(misplaced);
    return await work(snapshot);
  };
  return url === undefined ? withSqliteSnapshot(file, checked) : withMysqlSnapshot({ url, clock }, checked);
}
