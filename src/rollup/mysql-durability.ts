/**
 * Says in plain words where a MySQL or MariaDB does not keep what it commits, and how to mend it. Asked at start and by `doctor`.
 */
import { inspectMysql, type MysqlInspection } from "./mysql-inspection.ts";
import { mysqlServers } from "./mysql-address.ts";
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

/** What a group, as one of its members sees it, does not keep or cannot outlive, one or two sentences each. */
export function mysqlGroupFaults({ group }: Pick<MysqlInspection, "group">): readonly string[] {
  if (group === undefined) return [];
  const faults: string[] = [];
  const { members, consistency } = group;
  if (members.length < 3) {
    faults.push(
      `the group has ${members.length === 1 ? "1 member" : `${members.length} members`}: it outlives the loss of none. Three outlive the loss of one`,
    );
  }
  if (consistency === "EVENTUAL") {
    faults.push(
      "group_replication_consistency is EVENTUAL: a new primary answers before it has all of the one before it. Nothing is counted " +
        "twice, but commits fail until it has: set it to BEFORE_ON_PRIMARY_FAILOVER on each member",
    );
  }
  if (members.filter(({ role }) => role === "PRIMARY").length > 1) {
    faults.push(
      "the group takes writes at several members. One of them is used, but it is another one when a member with a lower id joins: " +
        "let none join while the schema is migrated, or set group_replication_single_primary_mode = ON",
    );
  }
  return faults;
}

/**
 * The same of every server that can be reached, of several with its address; none of those that cannot, which is told elsewhere.
 */
export async function checkMysqlDurability(options: MysqlOptions): Promise<readonly string[]> {
  const servers = mysqlServers(options.url);
  const inspected = await Promise.all(servers.map((url) => inspectMysql({ ...options, url })));
  const faults = inspected.flatMap((one, index) => {
    if (one.kind !== "success") return [];
    const address = servers.length === 1 ? "" : `${new URL(servers[index]!).host}: `;
    return mysqlDurabilityFaults(one.value).map((fault) => `${address}${fault}`);
  });
  const groups = inspected.flatMap((one) => (one.kind === "success" ? mysqlGroupFaults(one.value) : []));
  return [...faults, ...new Set(groups)];
}
