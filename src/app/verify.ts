/**
 * `otel-bandwidth verify`: proves the totals against themselves and against the log. Changes nothing, and may run beside
 * receivers at any time.
 */
import { parseArgs } from "node:util";
import { redisLogViews, sqliteLogViews } from "../log/log-views.ts";
import { systemClock, type Clock } from "../model/clock.ts";
import type { LogView } from "../model/log-view.ts";
import { success, type Result } from "../model/result.ts";
import type { ShardOffset } from "../model/rollup-store.ts";
import { FIRST_LAYOUT } from "../model/shard-layout.ts";
import { storedLayout, storedOffsets } from "../rollup/totals-facts.ts";
import { commandSettings } from "./command-settings.ts";
import { checkLine, type CheckLevel } from "./doctor/check.ts";
import { redisOptions } from "./redis-options.ts";
import type { ReceiverSettings } from "./settings.ts";
import { counted, type Finding } from "./verify/finding.ts";
import { logFinding, mayPass } from "./verify/log-findings.ts";
import { totalsFindings } from "./verify/totals-findings.ts";
import { OUT_OF_REACH, withTotals } from "./with-totals.ts";

/** Looks at a log that does not fit: an owner that is just opening it, or committing, is given this time. */
const MAX_LOOKS = 4;
const PAUSE_MILLIS = 700;

/**
 * Runs the command: prints a line for each check and the first of what is wrong, or all of it as JSON. Exits with 0 when nothing
 * failed, 1 when something is wrong, 2 for wrong settings, 3 when a store is out of reach.
 */
export async function verify(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({ args: [...args], options: { json: { type: "boolean", default: false } } });
  const outcome = await verifyEverything(commandSettings(), systemClock);
  if (outcome.kind !== "success") {
    if (values.json) write(JSON.stringify({ result: "out of reach", reason: outcome.reason }));
    else process.stderr.write(`otel-bandwidth: verify: ${outcome.reason}\n`);
    return OUT_OF_REACH;
  }
  const failed = countOf(outcome.value, "FAIL");
  const warned = countOf(outcome.value, "warn");
  if (values.json) {
    const result = failed > 0 ? "fault" : warned > 0 ? "warning" : "fine";
    write(JSON.stringify({ result, checks: outcome.value }, undefined, 2));
  } else report(outcome.value, failed, warned);
  return failed === 0 ? 0 : 1;
}

function countOf(findings: readonly Finding[], wanted: CheckLevel): number {
  return findings.filter(({ level }) => level === wanted).length;
}

function report(findings: readonly Finding[], failed: number, warned: number): void {
  for (const finding of findings) {
    write(checkLine(finding));
    for (const example of finding.examples) write(`       ${example.replaceAll(/\s+/g, " ")}`);
  }
  if (failed > 0) write(`${failed} failed`);
  else write(warned === 0 ? "nothing is wrong" : `nothing failed, ${counted(warned, "warning")}`);
}

/** Every check, in the order it is printed. Retryable `unavailable` when a store is out of reach or not migrated. */
export async function verifyEverything(settings: ReceiverSettings, clock: Clock): Promise<Result<readonly Finding[]>> {
  const logs = await verifyLogs(settings, clock);
  if (logs.kind !== "success") return logs;
  const nowSeconds = Math.floor(clock.nowMillis() / 1000);
  const totals = await withTotals(settings, clock, async (snapshot, { count, name }) =>
    (await totalsFindings(snapshot, nowSeconds)).map((finding) =>
      count === 1 ? finding : { ...finding, subject: `${finding.subject} in ${name}` },
    ),
  );
  return totals.kind === "success" ? success([...logs.value, ...totals.value.flat()]) : totals;
}

async function verifyLogs(settings: ReceiverSettings, clock: Clock): Promise<Result<readonly Finding[]>> {
  for (let look = 1; ; look += 1) {
    const findings = await lookAtLogs(settings, clock);
    if (findings.kind !== "success" || look === MAX_LOOKS || !findings.value.some(mayPass)) return findings;
    await new Promise<void>((resolve) => setTimeout(resolve, PAUSE_MILLIS));
  }
}

/** The shards of the layout, whatever SHARDS is; before the first receiver, those that it would begin with. */
async function lookAtLogs(settings: ReceiverSettings, clock: Clock): Promise<Result<readonly Finding[]>> {
  const known = await allOffsets(settings, clock);
  const layouts = await withTotals(settings, clock, storedLayout);
  if (layouts.kind !== "success") return layouts;
  if (known.kind !== "success") return known;
  const { shardCount, epoch } = layouts.value[0] ?? { shardCount: settings.shards, epoch: FIRST_LAYOUT };
  const shards = [...new Set([...Array(shardCount).keys(), ...known.value.keys()])].sort((a, b) => a - b);
  const views = await logViews(settings, clock, shards, epoch);
  if (views.kind !== "success") return views;
  // The log first, then the offset once more: what is committed in between only moves the offset on.
  const offsets = await allOffsets(settings, clock);
  if (offsets.kind !== "success") return offsets;
  return success(
    shards.map((shard, index) =>
      logFinding({
        shard,
        isConfigured: shard < shardCount,
        view: views.value[index]!,
        offset: offsets.value.get(shard),
        offsetBefore: known.value.get(shard),
      }),
    ),
  );
}

/** Each shard's rows lie in one database: no shard comes twice. */
async function allOffsets(settings: ReceiverSettings, clock: Clock): Promise<Result<ReadonlyMap<number, ShardOffset>>> {
  const offsets = await withTotals(settings, clock, storedOffsets);
  return offsets.kind === "success" ? success(new Map(offsets.value.flatMap((some) => [...some]))) : offsets;
}

async function logViews(
  settings: ReceiverSettings,
  clock: Clock,
  shards: readonly number[],
  layout: number,
): Promise<Result<readonly LogView[]>> {
  if (settings.redisUrl === undefined) return sqliteLogViews(settings.dataDirectory, shards);
  const options = redisOptions(settings);
  return options.kind === "success" ? await redisLogViews({ ...options.value, clock }, shards, layout) : options;
}

function write(line: string): void {
  process.stdout.write(`${line}\n`);
}
