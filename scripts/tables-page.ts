/** Writes `docs/tables.md` from the model: what each column of each SQL table means. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { GENERATED_COLUMNS, ROLLUP_COLUMNS, type RollupColumnKind } from "../src/model/rollup-columns.ts";
import { GRANULARITIES } from "../src/model/rollup-store.ts";
import { columnName, interfaceMembers } from "./interface-members.ts";
import { markdownTable } from "./markdown-table.ts";
import { ROOT } from "./run-command.ts";

const SQL_TYPES: Readonly<Record<RollupColumnKind, string>> = {
  count: "BIGINT",
  millis: "DECIMAL(20,3), seconds",
  seconds: "DOUBLE, seconds",
};

/** Members of rows that are no whole numbers. */
const DOUBLES: ReadonlySet<string> = new Set(["value", "threshold"]);

/** The text of the page. */
export function tablesPage(): string {
  return `# Tables

The totals are plain SQL: any tool that can SELECT can read them. Times are epoch seconds UTC, as integers. Tables hold no
aggregate rows: SUM over a whole table is the truth. This page is generated: \`npm run docs\`.

## Rollups

${GRANULARITIES.map(({ table, bucketSeconds, keptSeconds }) => `- \`${table}\`: buckets of ${duration(bucketSeconds)}, ${keptText(keptSeconds)}.`).join("\n")}

The primary key is (\`series_id\`, \`bucket_start\`).

${rollupTable()}

## Who a row is about

\`series\`, by \`series_id\`: a 64-bit hash of the other columns. Names longer than 128 characters (\`environment\`: 64) end with \`~\` and a
digest of the whole name, so that two of them are two; of methods, routes and participants the beginning is kept.

${membersTable("dimensions.ts", "SeriesDimensions")}

## Our own health

\`receiver_minute\`, by \`bucket_start\` (the minute of the receive time) and \`shard\`.

${membersTable("rollup-store.ts", "ReceiverCounts")}

## Alerts

\`bandwidth_alerts\`, a row an alert: written when it fires, and once more when it is resolved ([runbook](runbook.md)).

${membersTable("alert-store.ts", "AlertKey")}

And besides its key:

${membersTable("alert-store.ts", "AlertRow")}

\`alert_thresholds\`, a row a rule, written when a receiver starts to evaluate: dashboards compare to it.

${membersTable("alert-store.ts", "AlertThreshold")}

## What makes totals exact

Written in the same transaction as the totals.

\`ingest_offset\`, a row a shard:

${membersTable("rollup-store.ts", "ShardOffset")}

\`counter_state\`, a row a resource and scope:

${membersTable("rollup-store.ts", "CounterStateRow")}

\`ingest_ledger\`, a row a commit and slot:

${membersTable("rollup-store.ts", "LedgerRow")}

\`ingest_quarantine\`, a row a metric that could not be folded:

${membersTable("rollup-store.ts", "QuarantineRow")}

\`database_place\`, one row where the totals are in MySQL or MariaDB: which of how many databases this is
(\`position\` from 0, \`database_count\`; [scale.md](scale.md)). It is written when the database is first used.

\`retention_time\`, one row: up to when old rows were deleted (\`maintained_at\`, epoch seconds; [why](decisions/retention-time.md)). Maintenance
writes it, on its own.

## Who was erased

Written by \`otel-bandwidth forget\`, obeyed by every commit: [why](decisions/erasing-in-the-commit.md).

\`erased_participants\`, a row an erasure:

${membersTable("erased-participant.ts", "ErasedParticipantRow")}

\`erased_series\`, a row a series that was erased:

${membersTable("erased-participant.ts", "ErasedSeriesRow")}
`;
}

function rollupTable(): string {
  const fixed = [
    ["`bucket_start`", "BIGINT", "Start of the bucket, epoch seconds UTC."],
    ["`protocol`", "text", "`http` or `webrtc`."],
    ["`series_id`", "BIGINT", "Who the row is about: see `series`."],
    ["`latency_histogram`", "JSON", "`[[index, count], …]`, exponential buckets of scale 5."],
  ];
  const stored = ROLLUP_COLUMNS.map(({ name, kind, meaning }) => [`\`${name}\``, SQL_TYPES[kind], meaning]);
  const generated = GENERATED_COLUMNS.map(({ name, expression, meaning }) => [
    `\`${name}\``,
    "generated",
    `${meaning} It is ${expression}.`,
  ]);
  return markdownTable(["column", "type", "meaning"], [...fixed, ...stored, ...generated]);
}

function membersTable(file: string, interfaceName: string): string {
  const source = readFileSync(join(ROOT, "src/model", file), "utf8");
  const rows = interfaceMembers(source, interfaceName).map(({ name, type, comment }) => [
    `\`${columnName(name)}\``,
    DOUBLES.has(name) ? "double" : columnType(type),
    comment,
  ]);
  return markdownTable(["column", "type", "meaning"], rows);
}

function columnType(type: string): string {
  if (type.startsWith("number") || type === "bigint") return "integer";
  return type === "Uint8Array" ? "bytes" : "text";
}

function keptText(seconds: number): string {
  return Number.isFinite(seconds) ? `kept ${duration(seconds)}` : "kept for ever";
}

function duration(seconds: number): string {
  if (seconds % 86_400 === 0 && seconds > 2 * 86_400) return `${seconds / 86_400} days`;
  if (seconds === 86_400) return "a day";
  if (seconds % 3600 === 0) return seconds === 3600 ? "an hour" : `${seconds / 3600} hours`;
  return seconds === 60 ? "a minute" : `${seconds} seconds`;
}
