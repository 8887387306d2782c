/**
 * Which of how many databases a database is. A shard's rows lie in the database of its number, modulo how many there are: with other
 * databases, or in another order, its state would be looked for where it is not. So each database keeps what it is, from its first use on.
 */
import { failure, retryable, success, type Result } from "../model/result.ts";
import { explainFault, MysqlDatabase, type MysqlOptions } from "./mysql-database.ts";

/** The place of a database. */
export interface DatabasePlace {
  /** From 0. */
  readonly position: number;
  readonly count: number;
}

/** Something that runs a SELECT. */
interface Reader {
  rows(sql: string, values: readonly string[]): Promise<readonly Readonly<Record<string, unknown>>[]>;
}

/** Why a database is not the one that it is taken for, one sentence; undefined when it is, or was never used. */
export async function placeFault(reader: Reader, wanted: DatabasePlace): Promise<string | undefined> {
  const stored = await storedPlace(reader);
  if (stored === undefined || (stored.position === wanted.position && stored.count === wanted.count)) return undefined;
  return (
    `this is database ${stored.position + 1} of ${stored.count}, and MYSQL_URL has it as ${wanted.position + 1} of ${wanted.count}: ` +
    "name the databases that hold the totals, all of them, in the order in which they were first used"
  );
}

/** Where a database that has no word of its place was used, it was the only one. */
async function storedPlace(reader: Reader): Promise<DatabasePlace | undefined> {
  const [row] = await reader.rows("SELECT position, database_count FROM database_place", []);
  if (row !== undefined) return { position: Number(row["position"]), count: Number(row["database_count"]) };
  const used = await reader.rows("SELECT shard FROM ingest_offset LIMIT 1", []);
  return used.length > 0 ? { position: 0, count: 1 } : undefined;
}

/**
 * Has a migrated database keep its place, if it has none yet. Failure `invalid` when it has another; retryable `unavailable` when it
 * cannot be asked.
 */
export async function claimPlace(options: MysqlOptions, wanted: DatabasePlace): Promise<Result<void>> {
  const database = new MysqlDatabase({ ...options, connectionLimit: 1 });
  try {
    return await database.withSession(async (session) => {
      const before = await placeFault(session, wanted);
      if (before !== undefined) return failure("invalid", before);
      const written = await session.rows("SELECT 1 AS written FROM database_place", []);
      if (written.length > 0) return success(undefined);
      await session.run(
        `INSERT INTO database_place (id, position, database_count) VALUES (1, ?, ?)
         ON DUPLICATE KEY UPDATE position = database_place.position`,
        [wanted.position, wanted.count],
      );
      // Another receiver, with other settings, may have been first.
      const after = await placeFault(session, wanted);
      return after === undefined ? success(undefined) : failure("invalid", after);
    });
  } catch (error) {
    return retryable("unavailable", explainFault(error, options.url));
  } finally {
    await database.close();
  }
}
