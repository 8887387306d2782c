/**
 * Checks the database of the totals: reachable, new enough, durable, allowed, migrated, of our time.
 */
import type { Clock } from "../../model/clock.ts";
import { migrationStanding } from "../../rollup/migration-inspection.ts";
import type { AppliedMigration } from "../../rollup/migrate.ts";
import { mysqlDurabilityFaults } from "../../rollup/mysql-durability.ts";
import { inspectMysql, type MysqlInspection } from "../../rollup/mysql-inspection.ts";
import { appliedSqliteMigrations } from "../../rollup/sqlite-inspection.ts";
import type { ReceiverSettings } from "../settings.ts";
import { embeddedTotalsFile, withoutSecrets } from "../stores.ts";
import { fail, ok, warn, type Check } from "./check.ts";
import { clockCheck } from "./clock-check.ts";

/** MySQL or MariaDB when `MYSQL_URL` is set, else the SQLite file. */
export async function sqlChecks(settings: ReceiverSettings, clock: Clock): Promise<readonly Check[]> {
  return settings.mysqlUrl === undefined
    ? [embeddedCheck(embeddedTotalsFile(settings.dataDirectory))]
    : mysqlChecks(settings.mysqlUrl, clock);
}

function embeddedCheck(file: string): Check {
  const applied = appliedSqliteMigrations(file);
  return applied.kind === "success" ? migrationCheck("sqlite", applied.value) : fail("migrations", applied.reason);
}

async function mysqlChecks(url: string, clock: Clock): Promise<readonly Check[]> {
  const place = withoutSecrets(url);
  const inspected = await inspectMysql({ url, clock });
  if (inspected.kind !== "success") return [fail("SQL", `${place}: ${inspected.reason}`)];
  const facts = inspected.value;
  return [
    ok("SQL", `${place} answers`),
    versionCheck(facts),
    ...durabilityChecks(facts),
    privilegeCheck(facts),
    migrationCheck("mysql", facts.applied),
    clockCheck("SQL clock", facts.clockAheadMillis),
  ];
}

function versionCheck({ product, version, isSupported }: MysqlInspection): Check {
  const shown = version.includes(product) ? version : `${product} ${version}`;
  return isSupported
    ? ok("SQL version", shown)
    : fail("SQL version", `${shown} is too old: use MySQL 8.4 or later, or MariaDB 10.11 or later`);
}

function durabilityChecks(facts: MysqlInspection): readonly Check[] {
  const subject = "SQL durability";
  const faults = mysqlDurabilityFaults(facts);
  return faults.length === 0 ? [ok(subject, "what it commits is kept")] : faults.map((fault) => fail(subject, fault));
}

function privilegeCheck({ user, database, missingPrivileges, hasRole }: MysqlInspection): Check {
  const subject = "SQL permissions";
  if (missingPrivileges.length === 0) return ok(subject, `${user} may do what is needed on ${database}`);
  const missing = missingPrivileges.join(", ");
  const name = user.slice(0, user.lastIndexOf("@"));
  const host = user.slice(user.lastIndexOf("@") + 1);
  const grant = `GRANT ${missing} ON \`${database}\`.* TO '${name}'@'${host}'`;
  return hasRole
    ? warn(subject, `${user} lacks ${missing} of its own; unless its role has them: ${grant}`)
    : fail(subject, `${user} lacks ${missing}: ${grant}`);
}

function migrationCheck(engine: "mysql" | "sqlite", applied: readonly AppliedMigration[]): Check {
  const { pending, newer, fault } = migrationStanding(engine, applied);
  if (fault !== undefined)
    return fail("migrations", `${fault}: run the version of otel-bandwidth that made it, or a later one`);
  if (newer.length > 0)
    return warn(
      "migrations",
      `${newer.join(", ")} is of a later version: run that one everywhere when its roll-out is over`,
    );
  if (pending.length === 0) return ok("migrations", "all have run");
  return warn("migrations", `${pending.join(", ")} will run at the next start, or with otel-bandwidth migrate`);
}
