/**
 * Where the totals are: one SQLite file, or one database or several. A shard's rows lie in the database of its number, modulo how many
 * there are; what concerns all of them is done with each in turn.
 */
import type { Clock } from "../model/clock.ts";
import { success, type Result } from "../model/result.ts";
import { claimPlace, type DatabasePlace } from "../rollup/database-place.ts";
import { migrateUp, type MigrationDatabase } from "../rollup/migrate.ts";
import { mysqlDatabases, mysqlPlace } from "../rollup/mysql-address.ts";
import { mysqlMigrationDatabase } from "../rollup/mysql-migration-database.ts";
import { sqliteMigrationDatabase } from "../rollup/sqlite-migration-database.ts";
import type { ReceiverSettings } from "./settings.ts";

/** One database of the totals. */
export interface TotalsPlace extends DatabasePlace {
  /** Its entry of `MYSQL_URL`; undefined: it is the embedded file. */
  readonly url: string | undefined;
  /** Where it is, for a person, without secrets. */
  readonly name: string;
  readonly migrations: MigrationDatabase;
}

/** All databases, in the order of `MYSQL_URL`. */
export function totalsPlaces({ mysqlUrl, dataDirectory }: ReceiverSettings, file: string): readonly TotalsPlace[] {
  if (mysqlUrl === undefined) {
    const migrations = sqliteMigrationDatabase({ file });
    return [{ position: 0, count: 1, url: undefined, name: dataDirectory, migrations }];
  }
  const urls = mysqlDatabases(mysqlUrl);
  return urls.map((url, position) => ({
    position,
    count: urls.length,
    url,
    name: mysqlPlace(url),
    migrations: mysqlMigrationDatabase({ url }),
  }));
}

/** Runs `work` for each database in turn, until one is not a success; its reason then says which it is, if there are several. */
export async function forEachPlace<T>(
  places: readonly TotalsPlace[],
  work: (place: TotalsPlace) => Promise<Result<T>>,
): Promise<Result<readonly T[]>> {
  const values: T[] = [];
  for (const place of places) {
    const done = await work(place);
    if (done.kind !== "success")
      return places.length === 1 ? done : { ...done, reason: `${place.name}: ${done.reason}` };
    values.push(done.value);
  }
  return success(values);
}

/**
 * Migrates every database and has each keep its place; the names of what was applied. Not a success when one cannot be reached, is of
 * another version, or is not the one that `MYSQL_URL` takes it for.
 */
export async function prepareTotals(places: readonly TotalsPlace[], clock: Clock): Promise<Result<readonly string[]>> {
  const prepared = await forEachPlace(places, async ({ url, migrations, ...place }) => {
    const migrated = await migrateUp(migrations, Math.floor(clock.nowMillis() / 1000));
    if (migrated.kind !== "success" || url === undefined) return migrated;
    const claimed = await claimPlace({ url, clock }, place);
    return claimed.kind === "success" ? migrated : claimed;
  });
  return prepared.kind === "success" ? success([...new Set(prepared.value.flat())]) : prepared;
}
