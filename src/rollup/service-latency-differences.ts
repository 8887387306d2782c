/**
 * Checks that the merged latencies of services count what the rollups of their series count, hour by hour.
 */
import { GRANULARITIES } from "../model/rollup-store.ts";
import type { TotalsSnapshot } from "./totals-snapshot.ts";

/** A service's hour that the two tables count differently. */
export interface ServiceLatencyDifference {
  /** Namespace, service, environment, side and protocol; empty ones left out. */
  readonly service: string;
  readonly bucketStart: number;
  /** Observations in `metrics_hourly`. */
  readonly rollups: string;
  /** Observations in `service_latency_hourly`. */
  readonly latencies: string;
}

/** What the comparison found. */
export interface ServiceLatencyComparison {
  readonly differing: number;
  readonly first: readonly ServiceLatencyDifference[];
}

const KEY_COLUMNS: readonly string[] = ["namespace", "service", "environment", "side", "protocol"];

/** A month, roughly: the partitions of these tables are months, and each is read whole. */
const STEP_SECONDS = 30 * 86_400;

/**
 * Compares every hour that is kept, a month at a time. Series without their row in `series` cannot be told to a service: they
 * are missed here. Rejects with what the engine reports.
 */
export async function compareServiceLatencies(
  snapshot: TotalsSnapshot,
  nowSeconds: number,
  maxKept: number,
): Promise<ServiceLatencyComparison> {
  const { keptSeconds, bucketSeconds } = GRANULARITIES[1]!;
  const result = { differing: 0, first: [] as ServiceLatencyDifference[] };
  const end = nowSeconds + STEP_SECONDS;
  for (let from = nowSeconds - keptSeconds + bucketSeconds; from < end; from += STEP_SECONDS) {
    const rows = await snapshot.rows(
      comparison(maxKept),
      [from, from + STEP_SECONDS, from, from + STEP_SECONDS].map(BigInt),
    );
    result.differing += Number(rows[0]?.["found"] ?? 0);
    for (const row of rows) {
      if (result.first.length >= maxKept) break;
      result.first.push({
        service: KEY_COLUMNS.map((column) => String(row[column]))
          .filter((text) => text !== "")
          .join(" "),
        bucketStart: Number(row["bucket"]),
        rollups: String(row["rollups"]),
        latencies: String(row["latencies"]),
      });
    }
  }
  return result;
}

function comparison(maxKept: number): string {
  const keys = [...KEY_COLUMNS, "bucket"].join(", ");
  const ofSeries = KEY_COLUMNS.map((column) => `series.${column}`).join(", ");
  const ofServices = KEY_COLUMNS.join(", ");
  return `SELECT differences.*, COUNT(*) OVER () AS found FROM (
      SELECT ${keys}, SUM(in_rollups) AS rollups, SUM(in_latencies) AS latencies FROM (
        SELECT ${ofSeries}, bucket_start AS bucket, SUM(latency_count) AS in_rollups, 0 AS in_latencies
          FROM metrics_hourly JOIN series ON series.series_id = metrics_hourly.series_id
          WHERE bucket_start >= ? AND bucket_start < ? AND latency_count <> 0 GROUP BY ${ofSeries}, bucket_start
        UNION ALL
        SELECT ${ofServices}, bucket_start, 0, SUM(latency_count) FROM service_latency_hourly
          WHERE bucket_start >= ? AND bucket_start < ? GROUP BY ${ofServices}, bucket_start
      ) both_tables GROUP BY ${keys} HAVING SUM(in_rollups) <> SUM(in_latencies)
    ) differences ORDER BY bucket LIMIT ${maxKept}`;
}
