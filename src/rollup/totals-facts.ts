/**
 * What else `verify` asks of a snapshot of the totals: offsets, quarantine, impossible amounts.
 */
import { ROLLUP_COLUMNS } from "../model/rollup-columns.ts";
import type { ShardOffset } from "../model/rollup-store.ts";
import type { ShardLayout } from "../model/shard-layout.ts";
import { layoutOf, SELECT_LAYOUT } from "./layout-statements.ts";
import type { AppliedMigration } from "./migrate.ts";
import { idOf, type TotalsSnapshot } from "./totals-snapshot.ts";

/** Where every shard of the layout that ever had an owner stands, by shard number. */
export async function storedOffsets(snapshot: TotalsSnapshot): Promise<ReadonlyMap<number, ShardOffset>> {
  const rows = await snapshot.rows("SELECT * FROM ingest_offset ORDER BY shard");
  return new Map(
    rows.map((row) => [
      Number(row["shard"]),
      {
        generation: Number(row["generation"]),
        lastId: String(row["last_id"]),
        logIdentity: String(row["log_identity"] ?? ""),
        persistedAt: Number(row["persisted_at"]),
        commits: Number(row["commits"]),
        layout: Number(row["layout"]),
        isFinished: Number(row["finished"]) === 1,
      },
    ]),
  );
}

/** How many shards there are; `undefined` before the first receiver. */
export async function storedLayout(snapshot: TotalsSnapshot): Promise<ShardLayout | undefined> {
  const [row] = await snapshot.rows(SELECT_LAYOUT);
  const layout = row && layoutOf(row);
  return layout?.shardCount === 0 ? undefined : layout;
}

/** What is in `ingest_quarantine`. Times are epoch seconds. */
export interface QuarantineSummary {
  readonly metrics: number;
  readonly oldest: number;
  readonly newest: number;
  /** The most frequent reasons. */
  readonly reasons: readonly { readonly reason: string; readonly metrics: number }[];
}

/** Sums the quarantine up. */
export async function quarantineSummary(snapshot: TotalsSnapshot, maxReasons: number): Promise<QuarantineSummary> {
  const [all] = await snapshot.rows(
    "SELECT COUNT(*) AS metrics, MIN(received_at) AS oldest, MAX(received_at) AS newest FROM ingest_quarantine",
  );
  const reasons = await snapshot.rows(
    `SELECT reason, COUNT(*) AS metrics FROM ingest_quarantine GROUP BY reason ORDER BY metrics DESC LIMIT ${maxReasons}`,
  );
  return {
    metrics: Number(all?.["metrics"] ?? 0),
    oldest: Number(all?.["oldest"] ?? 0),
    newest: Number(all?.["newest"] ?? 0),
    reasons: reasons.map((row) => ({ reason: String(row["reason"]), metrics: Number(row["metrics"]) })),
  };
}

/** Days with amounts that folding cannot have made. */
export interface ImpossibleAmounts {
  readonly days: number;
  readonly first: readonly { readonly id: bigint; readonly bucketStart: number }[];
}

/** Finds days with an amount below zero. */
export function negativeAmounts(snapshot: TotalsSnapshot, maxKept: number): Promise<ImpossibleAmounts> {
  const below = ROLLUP_COLUMNS.map((column) => `${snapshot.columnName(column)} < 0`);
  return impossibleDays(snapshot, below.join(" OR "), maxKept);
}

/** Finds days that cost something although nothing was relayed. */
export function unfoundedRelayCosts(snapshot: TotalsSnapshot, maxKept: number): Promise<ImpossibleAmounts> {
  return impossibleDays(snapshot, "relay_cost_nanos > 0 AND relay_seconds = 0 AND relay_bytes = 0", maxKept);
}

async function impossibleDays(snapshot: TotalsSnapshot, where: string, maxKept: number): Promise<ImpossibleAmounts> {
  const rows = await snapshot.rows(
    `SELECT series_id AS id, bucket_start AS bucket, COUNT(*) OVER () AS found FROM metrics_daily WHERE ${where}
     ORDER BY bucket_start, series_id LIMIT ${maxKept}`,
  );
  const first = rows.map((row) => ({ id: idOf(row["id"]), bucketStart: Number(row["bucket"]) }));
  return { days: Number(rows[0]?.["found"] ?? 0), first };
}

/** The migrations that ran, oldest first; none where there is no table of them. */
export async function snapshotMigrations(snapshot: TotalsSnapshot): Promise<readonly AppliedMigration[]> {
  const sql = "SELECT version, name, checksum, applied_at FROM schema_migrations ORDER BY version";
  const rows = await snapshot.rows(sql).catch((error: unknown) => {
    if (isMissingTable(error)) return [];
    throw error;
  });
  return rows.map((row) => ({
    version: Number(row["version"]),
    name: String(row["name"]),
    checksum: String(row["checksum"]),
    appliedAt: Number(row["applied_at"]),
  }));
}

function isMissingTable(error: unknown): boolean {
  return error instanceof Error && /no such table|doesn't exist/.test(error.message);
}

/** What an id stands for, for a person; the bare id where its row is missing. */
export async function describeId(snapshot: TotalsSnapshot, id: bigint): Promise<string> {
  const [row] = await snapshot.rows(
    `SELECT namespace, service, environment, side, method, route, status_code, meeting_id, participant_id
     FROM series WHERE series_id = ?`,
    [id],
  );
  if (row === undefined) return `${id}`;
  const texts = Object.values(row).map(String);
  return `${texts.filter((text) => text !== "" && text !== "0").join(" ")} (series ${id})`;
}
