/**
 * A named lock of the server, so that of several processes one migrates or maintains a database.
 */
import { groupView } from "./mysql-member.ts";
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
  const isInGroup = await waitForGroup(session);
  try {
    return await withLock(session, purpose, waitSeconds, work);
  } finally {
    if (isInGroup) await waitNoMore(session);
  }
}

async function withLock<T>(
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

/**
 * The lock is of one server. In a group it is had at the member that takes writes, and a member that has just become that one may still
 * have changes of its predecessor before it, also of the schema: all that follows in this session waits for them. Whether there is a
 * group.
 */
async function waitForGroup(session: MysqlSession): Promise<boolean> {
  if ((await groupView(session)) === undefined) return false;
  await session.command("SET SESSION group_replication_consistency = 'BEFORE'");
  return true;
}

/** The connection goes back to the pool, and commits on it are to wait for no more than what the server says. */
async function waitNoMore(session: MysqlSession): Promise<void> {
  await session.command("SET SESSION group_replication_consistency = DEFAULT").catch(() => session.giveUp());
}
