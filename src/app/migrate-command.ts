/**
 * `otel-bandwidth migrate up | down | status`: the schema of the totals.
 */
import { parseArgs } from "node:util";
import { systemClock } from "../model/clock.ts";
import { migrateDown, migrationStatus, type MigrationState } from "../rollup/migrate.ts";
import { commandSettings } from "./command-settings.ts";
import { placesOf } from "./stores.ts";
import { forEachPlace, prepareTotals } from "./totals-places.ts";
import { UsageError } from "./usage-error.ts";

/** Runs the command; the exit code is 1 when the database refuses. */
export async function migrateCommand(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...args],
    options: { to: { type: "string" } },
    allowPositionals: true,
  });
  const [action = "up", ...more] = positionals;
  if (more.length > 0) throw new UsageError(`unexpected ${more.join(" ")}`);
  if (values.to !== undefined && (action !== "down" || !/^\d+$/.test(values.to))) {
    throw new UsageError(`--to: expected a whole number, with down (got ${values.to})`);
  }
  switch (action) {
    case "up":
      return up();
    case "down":
      if (values.to === undefined)
        throw new UsageError("migrate down: --to N is needed; what later tables hold is lost");
      return down(Number(values.to));
    case "status":
      return status();
    default:
      throw new UsageError(`migrate: expected up, down or status (got ${action})`);
  }
}

async function up(): Promise<number> {
  const done = await prepareTotals(placesOf(commandSettings()), systemClock);
  if (done.kind !== "success") return fail(done.reason);
  return say(done.value.length === 0 ? "nothing to do" : `up: ${done.value.join(", ")}`);
}

async function down(to: number): Promise<number> {
  const done = await forEachPlace(placesOf(commandSettings()), ({ migrations }) => migrateDown(migrations, to));
  if (done.kind !== "success") return fail(done.reason);
  const names = new Set(done.value.flat());
  return say(names.size === 0 ? "nothing to do" : `down: ${[...names].join(", ")}`);
}

async function status(): Promise<number> {
  const places = placesOf(commandSettings());
  const states = await forEachPlace(places, ({ migrations }) => migrationStatus(migrations));
  if (states.kind !== "success") return fail(states.reason);
  for (const [position, { name, count }] of places.entries()) {
    if (count > 1) say(`${name}:`);
    sayStates(states.value[position]!);
  }
  return 0;
}

function sayStates(states: readonly MigrationState[]): void {
  for (const { version, name, appliedAt } of states) {
    const when = appliedAt === undefined ? "pending" : `applied ${new Date(appliedAt * 1000).toISOString()}`;
    say(`${String(version).padStart(4, "0")} ${name}: ${when}`);
  }
}

function say(line: string): number {
  process.stdout.write(`${line}\n`);
  return 0;
}

function fail(reason: string): number {
  process.stderr.write(`otel-bandwidth: migrate: ${reason}\n`);
  return 1;
}
