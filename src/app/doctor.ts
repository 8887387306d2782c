/**
 * `otel-bandwidth doctor`: checks everything the receiver needs, changes nothing, and says how to mend what is wrong.
 */
import { parseArgs } from "node:util";
import { systemClock, type Clock } from "../model/clock.ts";
import { bridgeChecks } from "./doctor/bridge-checks.ts";
import { certificateChecks } from "./doctor/certificate-checks.ts";
import { checkLine, fail, ok, warn, type Check } from "./doctor/check.ts";
import { dataDirectoryChecks } from "./doctor/data-directory-checks.ts";
import { exposureChecks } from "./doctor/exposure-checks.ts";
import { portChecks } from "./doctor/port-checks.ts";
import { redisChecks } from "./doctor/redis-checks.ts";
import { sqlChecks } from "./doctor/sql-checks.ts";
import { tenantChecks } from "./doctor/tenant-checks.ts";
import { loadSettings } from "./load-settings.ts";
import type { ReceiverSettings } from "./settings.ts";

/** Runs the command: prints a line for each check. Exits with 0 when none failed, 1 when one did, 2 for wrong settings. */
export async function doctor(args: readonly string[]): Promise<number> {
  parseArgs({ args: [...args], options: {} });
  const loaded = loadSettings(process.env);
  if (loaded.kind === "failure") {
    for (const fault of loaded.faults) print(fail("settings", fault));
    return 2;
  }
  const checks = await checkEverything(loaded.settings, systemClock);
  for (const check of checks) print(check);
  const failures = checks.filter(({ level }) => level === "FAIL").length;
  process.stdout.write(failures === 0 ? "nothing failed\n" : `${failures} failed\n`);
  return failures === 0 ? 0 : 1;
}

/** Every check, in the order it is printed. */
export async function checkEverything(settings: ReceiverSettings, clock: Clock): Promise<readonly Check[]> {
  const [redis, sql, ports, bridge] = await Promise.all([
    redisChecks(settings, clock),
    sqlChecks(settings, clock),
    portChecks(settings),
    bridgeChecks(settings),
  ]);
  return [
    settingsCheck(settings),
    ...redis,
    ...sql,
    ...ports,
    ...dataDirectoryChecks(settings),
    ...bridge,
    ...exposureChecks(settings),
    ...certificateChecks(settings, clock),
    ...tenantChecks(settings),
  ];
}

function settingsCheck({ metricsEnabled }: ReceiverSettings): Check {
  if (metricsEnabled) return ok("settings", "all can be read");
  return warn("settings", "METRICS_ENABLED is false: the receiver answers 503 and stores nothing");
}

function print(check: Check): void {
  process.stdout.write(`${checkLine(check)}\n`);
}
