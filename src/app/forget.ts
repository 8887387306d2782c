/**
 * `otel-bandwidth forget`: erases a person from the totals. Their rows become those of a nameless participant of the same
 * meetings, so that totals stay. It runs beside receivers, and may be run again.
 */
import { parseArgs } from "node:util";
import { systemClock, type Clock } from "../model/clock.ts";
import { ERASED_PARTICIPANT, type ErasedParticipant } from "../model/erased-participant.ts";
import { success, type Result } from "../model/result.ts";
import {
  eraseFromMysql,
  eraseFromSqlite,
  type ErasureReport,
  type ErasureRequest,
} from "../rollup/erase-participant.ts";
import { commandSettings } from "./command-settings.ts";
import type { ReceiverSettings } from "./settings.ts";
import { embeddedTotalsFile, placesOf } from "./stores.ts";
import { forEachPlace } from "./totals-places.ts";
import { UsageError } from "./usage-error.ts";
import { counted } from "./verify/finding.ts";
import { OUT_OF_REACH, withTotals } from "./with-totals.ts";

/** Meetings that are named in the report. */
const MAX_MEETINGS_SHOWN = 20;

/** Runs the command. Exits with 0 when nothing is left of the person, 2 for wrong arguments, 3 when the totals are out of reach. */
export async function forget(args: readonly string[]): Promise<number> {
  const { isDryRun, ...erased } = forgetRequest(args);
  const request = { ...erased, isDryRun, nowSeconds: Math.floor(systemClock.nowMillis() / 1000) };
  const report = await erase(commandSettings(), systemClock, request);
  if (report.kind !== "success") {
    process.stderr.write(`otel-bandwidth: forget: ${report.reason}\n`);
    if (!isDryRun) process.stderr.write("otel-bandwidth: forget: what was erased stays erased: run it again\n");
    return OUT_OF_REACH;
  }
  for (const line of reportLines(request, report.value)) process.stdout.write(`${line}\n`);
  return 0;
}

/** Reads the arguments. Throws {@link UsageError}, or what `parseArgs` throws. */
export function forgetRequest(args: readonly string[]): ErasedParticipant & { readonly isDryRun: boolean } {
  const { values } = parseArgs({
    args: [...args],
    options: {
      participant: { type: "string" },
      meeting: { type: "string" },
      "dry-run": { type: "boolean", default: false },
    },
  });
  const { participant, meeting } = values;
  if (participant === undefined || participant === "") {
    throw new UsageError("forget: --participant is needed, the id of a person as in their token");
  }
  if (participant === ERASED_PARTICIPANT) throw new UsageError(`--participant: ${participant} has no name to erase`);
  if (meeting === "") throw new UsageError("--meeting: expected the id of a meeting (got nothing)");
  const erased =
    meeting === undefined ? { participantId: participant } : { participantId: participant, meetingId: meeting };
  return { ...erased, isDryRun: values["dry-run"] };
}

async function erase(
  settings: ReceiverSettings,
  clock: Clock,
  request: ErasureRequest,
): Promise<Result<ErasureReport>> {
  const reachable = await withTotals(settings, clock, async () => undefined);
  if (reachable.kind !== "success") return reachable;
  const reports = await forEachPlace(placesOf(settings), ({ url }) =>
    url === undefined
      ? eraseFromSqlite({ file: embeddedTotalsFile(settings.dataDirectory) }, request)
      : eraseFromMysql({ url, clock }, request),
  );
  if (reports.kind !== "success") return reports;
  return success({
    series: reports.value.flatMap(({ series }) => series),
    quarantined: reports.value.reduce((sum, { quarantined }) => sum + quarantined, 0),
  });
}

function* reportLines(request: ErasureRequest, { series, quarantined }: ErasureReport): Iterable<string> {
  const who = JSON.stringify(request.participantId);
  const where = request.meetingId === undefined ? "" : ` in meeting ${JSON.stringify(request.meetingId)}`;
  if (series.length === 0) {
    yield `nothing is stored of ${who}${where}`;
  } else {
    const meetings = [...new Set(series.map(({ dimensions }) => dimensions.meetingId))];
    const done = request.isDryRun ? "would erase" : "erased";
    yield `${done} ${who}${where}: ${counted(series.length, "series", "series")} in ${counted(meetings.length, "meeting")}`;
    for (const meeting of meetings.slice(0, MAX_MEETINGS_SHOWN)) yield `  meeting ${JSON.stringify(meeting)}`;
    if (meetings.length > MAX_MEETINGS_SHOWN) yield `  and ${meetings.length - MAX_MEETINGS_SHOWN} more`;
    for (const [table, rows] of rowsByTable(series)) yield `  ${table}: ${counted(rows, "row")}`;
  }
  if (quarantined > 0) {
    yield `${counted(quarantined, "metric")} in ingest_quarantine may hold ${who}: delete them when they were dealt with`;
  }
  if (request.isDryRun) yield "nothing was changed";
  else
    yield `totals stay, in the name of ${ERASED_PARTICIPANT}; what still comes of ${who}${where} is counted without it`;
}

function rowsByTable(series: ErasureReport["series"]): ReadonlyMap<string, number> {
  const sums = new Map<string, number>();
  for (const { rows } of series) {
    for (const [table, count] of Object.entries(rows)) sums.set(table, (sums.get(table) ?? 0) + count);
  }
  return sums;
}
