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

/** Meetings, and namespaces, that are named in the report. */
const MAX_SHOWN = 20;

/** Who is to be erased, and where. */
export interface ForgetRequest extends ErasedParticipant {
  /** In every namespace; else in that which is named, or in the only one that they are found in. */
  readonly isEveryNamespace: boolean;
  readonly isDryRun: boolean;
}

/** Runs the command. Exits with 0 when nothing is left of the person, 2 for wrong arguments, 3 when the totals are out of reach. */
export async function forget(args: readonly string[]): Promise<number> {
  const { isEveryNamespace, ...asked } = forgetRequest(args);
  const request = { ...asked, nowSeconds: Math.floor(systemClock.nowMillis() / 1000) };
  const settings = commandSettings();
  if (isEveryNamespace || request.namespace !== undefined) return run(settings, request);
  const found = await erase(settings, systemClock, { ...request, isDryRun: true });
  if (found.kind !== "success") return complain(found.reason);
  const [namespace, ...others] = namespacesOf(found.value);
  if (others.length > 0) throw new UsageError(severalNamespaces(request, namespacesOf(found.value)));
  if (namespace !== undefined) return run(settings, { ...request, namespace });
  print(reportLines({ ...request, isDryRun: true }, found.value));
  // Noted for all namespaces, it would erase whoever has the id in another, whenever they come.
  print([
    "what still comes of them is counted by name: give --namespace or --all-namespaces to have it counted without",
  ]);
  return 0;
}

async function run(settings: ReceiverSettings, request: ErasureRequest): Promise<number> {
  const report = await erase(settings, systemClock, request);
  if (report.kind === "success") print(reportLines(request, report.value));
  else return complain(report.reason, ...(request.isDryRun ? [] : ["what was erased stays erased: run it again"]));
  return 0;
}

function complain(...reasons: readonly string[]): number {
  for (const reason of reasons) process.stderr.write(`otel-bandwidth: forget: ${reason}\n`);
  return OUT_OF_REACH;
}

function print(lines: Iterable<string>): void {
  for (const line of lines) process.stdout.write(`${line}\n`);
}

/** Reads the arguments. Throws {@link UsageError}, or what `parseArgs` throws. */
export function forgetRequest(args: readonly string[]): ForgetRequest {
  const { values } = parseArgs({
    args: [...args],
    options: {
      participant: { type: "string" },
      meeting: { type: "string" },
      namespace: { type: "string" },
      "all-namespaces": { type: "boolean", default: false },
      "dry-run": { type: "boolean", default: false },
    },
  });
  const { participant, meeting, namespace } = values;
  if (participant === undefined || participant === "") {
    throw new UsageError("forget: --participant is needed, the id of a person as in their token");
  }
  if (participant === ERASED_PARTICIPANT) throw new UsageError(`--participant: ${participant} has no name to erase`);
  if (meeting === "") throw new UsageError("--meeting: expected the id of a meeting (got nothing)");
  const isEveryNamespace = values["all-namespaces"];
  if (isEveryNamespace && namespace !== undefined) {
    throw new UsageError("forget: give either --namespace or --all-namespaces");
  }
  return {
    participantId: participant,
    ...(meeting === undefined ? {} : { meetingId: meeting }),
    ...(namespace === undefined ? {} : { namespace }),
    isEveryNamespace,
    isDryRun: values["dry-run"],
  };
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

function namespacesOf({ series }: ErasureReport): readonly string[] {
  return [...new Set(series.map(({ dimensions }) => dimensions.namespace))].sort();
}

function severalNamespaces({ participantId }: ErasureRequest, namespaces: readonly string[]): string {
  const who = JSON.stringify(participantId);
  return [
    `forget: ${who} is found in several namespaces: name the person's by --namespace, or give --all-namespaces`,
    ...shown(namespaces, namespaceText),
    "  nothing was changed",
  ].join("\n");
}

/** The first lines of many. */
function shown(names: readonly string[], text: (name: string) => string): readonly string[] {
  const lines = names.slice(0, MAX_SHOWN).map((name) => `  ${text(name)}`);
  return names.length > MAX_SHOWN ? [...lines, `  and ${names.length - MAX_SHOWN} more`] : lines;
}

function namespaceText(namespace: string): string {
  return namespace === "" ? 'no namespace (--namespace "")' : `namespace ${JSON.stringify(namespace)}`;
}

function placeText({ meetingId, namespace }: ErasureRequest): string {
  const meeting = meetingId === undefined ? "" : ` in meeting ${JSON.stringify(meetingId)}`;
  return namespace === undefined || namespace === "" ? meeting : `${meeting} of namespace ${JSON.stringify(namespace)}`;
}

function* reportLines(request: ErasureRequest, report: ErasureReport): Iterable<string> {
  const { series, quarantined } = report;
  const who = JSON.stringify(request.participantId);
  const where = placeText(request);
  if (series.length === 0) {
    yield `nothing is stored of ${who}${where}`;
  } else {
    const meetings = [...new Set(series.map(({ dimensions }) => dimensions.meetingId))];
    const done = request.isDryRun ? "would erase" : "erased";
    yield `${done} ${who}${where}: ${counted(series.length, "series", "series")} in ${counted(meetings.length, "meeting")}`;
    yield* shown(namespacesOf(report), namespaceText);
    yield* shown(meetings, (meeting) => `meeting ${JSON.stringify(meeting)}`);
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
