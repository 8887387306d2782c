/**
 * Looks at a MySQL or MariaDB database without changing anything: whether it can be reached, which server it is, what it
 * does not keep, what its user may not do, which migrations ran and what time it thinks it is. `doctor` asks.
 */
import { systemClock } from "../model/clock.ts";
import { retryable, success } from "../model/result.ts";
import type { Result } from "../model/result.ts";
import { placeFault, type DatabasePlace } from "./database-place.ts";
import type { AppliedMigration } from "./migrate.ts";
import { explainFault, MysqlDatabase } from "./mysql-database.ts";
import type { MysqlOptions } from "./mysql-database.ts";
import { groupView, type MysqlGroupView } from "./mysql-member.ts";
import type { MysqlRow, MysqlSession } from "./mysql-session.ts";

/** What was found. */
export interface MysqlInspection {
  readonly product: "MySQL" | "MariaDB";
  /** As the server gives it. */
  readonly version: string;
  /** Whether this project is tested on such a version: MySQL 8.4 or later, MariaDB 10.11 or later. */
  readonly isSupported: boolean;
  /** `innodb_flush_log_at_trx_commit`: 1 keeps every commit. */
  readonly flushLogAtCommit: number;
  /** `sync_binlog`; `undefined` when there is no binary log. 1 keeps every commit. */
  readonly syncBinaryLog: number | undefined;
  /** `innodb_doublewrite`: whether a page half written in a crash can be mended. */
  readonly writesPagesTwice: boolean;
  /** Privileges on the database that were not found to be granted to the user. */
  readonly missingPrivileges: readonly string[];
  /** Whether a role is active: it may grant what the user itself lacks. */
  readonly hasRole: boolean;
  /** The user, as the server knows it. */
  readonly user: string;
  readonly database: string;
  /** How far the server's clock is ahead of ours, milliseconds. */
  readonly clockAheadMillis: number;
  readonly applied: readonly AppliedMigration[];
  /** Why the database is not the one of its place in `MYSQL_URL`; undefined when it is, or was not asked for. */
  readonly misplaced: string | undefined;
  /** The group that the server is a member of; undefined where there is none, or the user may not see it. */
  readonly group: (MysqlGroupView & { readonly consistency: string }) | undefined;
  /** Of a member of a group that the user may see. */
  readonly groupTransactions: GroupTransactions | undefined;
}

/** How a member of a group sends what it commits to the others. */
export interface GroupTransactions {
  /** `group_replication_transaction_size_limit`: bytes of a transaction; 0 for any. */
  readonly maxBytes: number;
  /** `binlog_row_image`. */
  readonly rowImage: string;
  /** `binlog_transaction_compression`: the limit is on what comes of it. */
  readonly isCompressed: boolean;
}

/** What the receiver does there, migrations and partitions included. */
const NEEDED_PRIVILEGES: readonly string[] = [
  "SELECT",
  "INSERT",
  "UPDATE",
  "DELETE",
  "CREATE",
  "ALTER",
  "DROP",
  "INDEX",
];

/** The migration that made `database_place`. */
const PLACE_MIGRATION = "database-place";

const MINIMUM_VERSIONS = { MySQL: [8, 4], MariaDB: [10, 11] } as const;

/** Looks. Retryable `unavailable` that says in plain words why the database cannot be used, and how to mend it. */
export async function inspectMysql(options: MysqlOptions, place?: DatabasePlace): Promise<Result<MysqlInspection>> {
  const database = new MysqlDatabase({ ...options, connectionLimit: 1 });
  try {
    return success(await database.withSession((session) => look(session, options, place)));
  } catch (error) {
    return retryable("unavailable", explainFault(error, options.url));
  } finally {
    await database.close();
  }
}

async function look(
  session: MysqlSession,
  { clock = systemClock }: MysqlOptions,
  place: DatabasePlace | undefined,
): Promise<MysqlInspection> {
  const before = clock.nowMillis();
  const [facts = {}] = await session.rows(
    `SELECT CAST(UNIX_TIMESTAMP(SYSDATE(3)) * 1000 AS SIGNED) AS millis, VERSION() AS version, DATABASE() AS name,
       CURRENT_USER() AS user, CURRENT_ROLE() AS role, @@GLOBAL.log_bin AS log_bin,
       @@GLOBAL.innodb_flush_log_at_trx_commit AS flush_log, @@GLOBAL.sync_binlog AS sync_binlog,
       @@GLOBAL.innodb_doublewrite AS doublewrite`,
    [],
  );
  const between = (before + clock.nowMillis()) / 2;
  const user = String(facts["user"]);
  const version = String(facts["version"]);
  const product = version.includes("MariaDB") ? "MariaDB" : "MySQL";
  const applied = await appliedMigrations(session);
  const group = await groupOf(session);
  const knowsPlace = place !== undefined && applied.some(({ name }) => name === PLACE_MIGRATION);
  return {
    product,
    version,
    isSupported: isAtLeast(version, MINIMUM_VERSIONS[product]),
    flushLogAtCommit: Number(facts["flush_log"]),
    syncBinaryLog: Number(facts["log_bin"]) === 0 ? undefined : Number(facts["sync_binlog"]),
    // Also DETECT_ONLY: it tells of such a page, and has nothing to mend it with.
    writesPagesTwice: !["0", "OFF", "DETECT_ONLY"].includes(String(facts["doublewrite"])),
    missingPrivileges: await missingPrivileges(session, user),
    hasRole: !["", "NONE", "null"].includes(String(facts["role"])),
    user,
    database: String(facts["name"]),
    clockAheadMillis: Number(facts["millis"]) - between,
    applied,
    misplaced: knowsPlace ? await placeFault(session, place) : undefined,
    group,
    groupTransactions: group && (await groupTransactions(session)),
  };
}

function isAtLeast(version: string, [wantedMajor, wantedMinor]: readonly [number, number]): boolean {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  return major > wantedMajor || (major === wantedMajor && minor >= wantedMinor);
}

async function missingPrivileges(session: MysqlSession, user: string): Promise<readonly string[]> {
  const at = user.lastIndexOf("@");
  const grantee = `'${user.slice(0, at)}'@'${user.slice(at + 1)}'`;
  const rows = await session.rows(
    `SELECT PRIVILEGE_TYPE AS privilege FROM information_schema.USER_PRIVILEGES WHERE GRANTEE = ?
     UNION SELECT PRIVILEGE_TYPE AS privilege FROM information_schema.SCHEMA_PRIVILEGES
       WHERE GRANTEE = ? AND DATABASE() LIKE TABLE_SCHEMA`,
    [grantee, grantee],
  );
  const granted = new Set(rows.map((row) => String(row["privilege"])));
  return NEEDED_PRIVILEGES.filter((privilege) => !granted.has(privilege));
}

async function groupOf(session: MysqlSession): Promise<MysqlInspection["group"]> {
  const view = await groupView(session);
  if (view === undefined) return undefined;
  const [row] = await session.rows("SELECT @@GLOBAL.group_replication_consistency AS consistency", []);
  return { ...view, consistency: String(row?.["consistency"]) };
}

async function groupTransactions(session: MysqlSession): Promise<GroupTransactions> {
  const rows = await session.rows(
    `SHOW GLOBAL VARIABLES WHERE Variable_name IN
       ('group_replication_transaction_size_limit', 'binlog_row_image', 'binlog_transaction_compression')`,
    [],
  );
  const set = new Map(rows.map((row) => [String(row["Variable_name"]), String(row["Value"])]));
  return {
    maxBytes: Number(set.get("group_replication_transaction_size_limit") ?? 0),
    rowImage: set.get("binlog_row_image") ?? "FULL",
    isCompressed: set.get("binlog_transaction_compression") === "ON",
  };
}

/** Without making the table where there is none. */
async function appliedMigrations(session: MysqlSession): Promise<readonly AppliedMigration[]> {
  const tables = await session.rows(
    "SELECT 1 AS found FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = 'schema_migrations'",
    [],
  );
  if (tables.length === 0) return [];
  const rows = await session.rows(
    "SELECT version, name, checksum, applied_at FROM schema_migrations ORDER BY version",
    [],
  );
  return rows.map((row: MysqlRow) => ({
    version: Number(row["version"]),
    name: String(row["name"]),
    checksum: String(row["checksum"]),
    appliedAt: Number(row["applied_at"]),
  }));
}
