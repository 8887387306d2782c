/**
 * Checks the database of the totals: reachable, new enough, durable, allowed, migrated, of our time.
 */
import type { Clock } from "../../model/clock.ts";
import { migrationStanding } from "../../rollup/migration-inspection.ts";
import type { AppliedMigration } from "../../rollup/migrate.ts";
import { mysqlServers } from "../../rollup/mysql-address.ts";
import { checkMysqlCommitSize, type LargestCommit } from "../../rollup/mysql-commit-size.ts";
import { checkMysqlDurability } from "../../rollup/mysql-durability.ts";
import { inspectMysql, type MysqlInspection } from "../../rollup/mysql-inspection.ts";
import { appliedSqliteMigrations } from "../../rollup/sqlite-inspection.ts";
import type { ReceiverSettings } from "../settings.ts";
import { embeddedTotalsFile, largestCommit, placesOf } from "../stores.ts";
import type { TotalsPlace } from "../totals-places.ts";
import { fail, ok, warn, type Check } from "./check.ts";
import { clockCheck } from "./clock-check.ts";

/** MySQL or MariaDB when `MYSQL_URL` is set, else the SQLite file. */
export async function sqlChecks(settings: ReceiverSettings, clock: Clock): Promise<readonly Check[]> {
  if (settings.mysqlUrl === undefined) return [embeddedCheck(embeddedTotalsFile(settings.dataDirectory))];
  const largest = largestCommit(settings);
  return (await Promise.all(placesOf(settings).map((place) => databaseChecks(place, largest, clock)))).flat();
}

/** Of several databases each line says which it is about. */
async function databaseChecks(place: TotalsPlace, largest: LargestCommit, clock: Clock): Promise<readonly Check[]> {
  const checks = await mysqlChecks(place, largest, clock);
  const { position, count } = place;
  return count === 1
    ? checks
    : checks.map((check) => ({ ...check, subject: `${check.subject} ${position + 1}/${count}` }));
}

function embeddedCheck(file: string): Check {
  const applied = appliedSqliteMigrations(file);
  return applied.kind === "success" ? migrationCheck("sqlite", applied.value) : fail("migrations", applied.reason);
}

async function mysqlChecks(
  { name, url = "", position, count }: TotalsPlace,
  largest: LargestCommit,
  clock: Clock,
): Promise<readonly Check[]> {
  const inspected = await inspectMysql({ url, clock }, { position, count });
  if (inspected.kind !== "success") return [fail("SQL", `${name}: ${inspected.reason}`)];
  const facts = inspected.value;
  return [
    ok("SQL", `${name} answers`),
    ...(await memberChecks(url, clock)),
    versionCheck(facts),
    ...durabilityChecks(await checkMysqlDurability({ url, clock })),
    ...(await checkMysqlCommitSize({ url, clock }, largest)).map((fault) => warn("SQL commits", fault)),
    ...(facts.misplaced === undefined ? [] : [fail("SQL databases", facts.misplaced)]),
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

/** Of a group: who does not answer, which it outlives for now. */
async function memberChecks(url: string, clock: Clock): Promise<readonly Check[]> {
  const servers = mysqlServers(url);
  if (servers.length === 1) return [];
  const asked = await Promise.all(servers.map((server) => inspectMysql({ url: server, clock })));
  return asked.map((answer, index) => {
    const { host } = new URL(servers[index]!);
    if (answer.kind !== "success") return warn("SQL members", `${host}: ${answer.reason}`);
    const { group, product, version } = answer.value;
    const own = group?.members.find(({ id }) => id === group.memberId);
    return ok(
      "SQL members",
      `${host} answers${own === undefined ? "" : `, ${own.state} ${own.role}`} (${product} ${version})`,
    );
  });
}

function durabilityChecks(faults: readonly string[]): readonly Check[] {
  const subject = "SQL durability";
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
