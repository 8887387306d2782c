/**
 * A named lock of the server, so that of several processes one migrates or maintains a database.
 */
import type { MysqlSession } from "./mysql-session.ts";

/**
 * Runs `work` while this session holds the lock `purpose` of its database; undefined when it was not had within
 * `waitSeconds`. Rejects with what `work` or the driver rejects with.
 */
export async function withMysqlLock<T>(
  session: MysqlSession,
  purpose: string,
  waitSeconds: number,
  work: () => Promise<T>,
): Promise<T | undefined> {
  // Locks belong to the server, not to a database, and a name has at most 64 characters.
  const name = "CONCAT(?, LEFT(SHA2(DATABASE(), 256), 32))";
  const [row] = await session.rows(`SELECT GET_LOCK(${name}, ?) AS got`, [`otel-bandwidth/${purpose}/`, waitSeconds]);
  if (Number(row?.["got"]) !== 1) return undefined;
  try {
    return await work();
  } finally {
    // A connection that broke has lost the lock already.
    await session
      .rows(`SELECT RELEASE_LOCK(${name}) AS released`, [`otel-bandwidth/${purpose}/`])
      .catch(() => undefined);
  }
}
