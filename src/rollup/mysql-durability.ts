/**
 * Says in plain words where a MySQL or MariaDB does not keep what it commits, and how to mend it. Asked at start and by `doctor`.
 */
import { inspectMysql, type MysqlInspection } from "./mysql-inspection.ts";
import type { MysqlOptions } from "./mysql-database.ts";

/** What a server does not keep, one or two sentences each; none when it keeps every commit. */
export function mysqlDurabilityFaults({
  flushLogAtCommit,
  syncBinaryLog,
  writesPagesTwice,
}: Pick<MysqlInspection, "flushLogAtCommit" | "syncBinaryLog" | "writesPagesTwice">): readonly string[] {
  const faults: string[] = [];
  if (flushLogAtCommit !== 1) {
    faults.push(
      `innodb_flush_log_at_trx_commit is ${flushLogAtCommit}: a crash loses totals whose log is already gone. ` +
        "Set it to 1 (SET GLOBAL innodb_flush_log_at_trx_commit = 1, and in the server's configuration file)",
    );
  }
  if (syncBinaryLog !== undefined && syncBinaryLog !== 1) {
    faults.push(
      `sync_binlog is ${syncBinaryLog}: with a binary log, a crash of the machine loses commits that are not in it. ` +
        "Set it to 1 (SET GLOBAL sync_binlog = 1, and in the server's configuration file)",
    );
  }
  if (!writesPagesTwice) {
    faults.push(
      "innodb_doublewrite is off: a crash of the machine can leave half-written pages, which cannot be mended. " +
        "Set innodb_doublewrite = ON in the server's configuration file, unless its file system writes pages whole",
    );
  }
  return faults;
}

/** The same of a server that can be reached; none when it cannot, which is told elsewhere. */
export async function checkMysqlDurability(options: MysqlOptions): Promise<readonly string[]> {
  const inspected = await inspectMysql(options);
  return inspected.kind === "success" ? mysqlDurabilityFaults(inspected.value) : [];
}
