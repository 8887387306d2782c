/**
 * Checks that every id in the totals has its row in `series`, and that the row is the one that the id was made of.
 */
import { seriesId, type SeriesDimensions } from "../model/dimensions.ts";
import { SERIES_COLUMNS } from "./side-rows.ts";
import { idOf, type SnapshotRow, type TotalsSnapshot } from "./totals-snapshot.ts";
import { ROLLUP_TABLES } from "./totals-table.ts";

/** What was found of series. */
export interface SeriesFaults {
  readonly series: number;
  /** Ids in the totals without a row. */
  readonly missing: number;
  readonly firstMissing: readonly bigint[];
  /** Rows whose dimensions are not those of their id. */
  readonly changed: number;
  readonly firstChanged: readonly bigint[];
}

const PAGE_ROWS = 2000;

/** Looks at all series; keeps the first `maxKept` of each fault. Rejects with what the engine reports. */
export async function findSeriesFaults(snapshot: TotalsSnapshot, maxKept: number): Promise<SeriesFaults> {
  const result = { series: 0, changed: 0, firstChanged: [] as bigint[] };
  for (let from: bigint | undefined = -(2n ** 63n); from !== undefined;) {
    const rows: readonly SnapshotRow[] = await snapshot.rows(
      `SELECT * FROM series WHERE series_id >= ? ORDER BY series_id LIMIT ${PAGE_ROWS}`,
      [from],
    );
    for (const row of rows) {
      const id = idOf(row["series_id"]);
      result.series += 1;
      if (seriesId(dimensionsOf(row)) === id) continue;
      result.changed += 1;
      if (result.firstChanged.length < maxKept) result.firstChanged.push(id);
    }
    const last = rows.at(-1);
    from = rows.length < PAGE_ROWS || last === undefined ? undefined : idOf(last["series_id"]) + 1n;
  }
  return { ...result, ...(await missingSeries(snapshot, maxKept)) };
}

async function missingSeries(
  snapshot: TotalsSnapshot,
  maxKept: number,
): Promise<Pick<SeriesFaults, "missing" | "firstMissing">> {
  const ids = ROLLUP_TABLES.map(({ name }) => `SELECT DISTINCT series_id FROM ${name}`).join(" UNION ");
  const rows = await snapshot.rows(
    `SELECT ids.series_id AS id, COUNT(*) OVER () AS found FROM (${ids}) ids
     LEFT JOIN series ON series.series_id = ids.series_id WHERE series.series_id IS NULL ORDER BY id LIMIT ${maxKept}`,
  );
  return { missing: Number(rows[0]?.["found"] ?? 0), firstMissing: rows.map((row) => idOf(row["id"])) };
}

function dimensionsOf(row: SnapshotRow): SeriesDimensions {
  const entries = SERIES_COLUMNS.map(([column, name]) => {
    const value = row[column];
    return [name, name === "statusCode" ? Number(value) : String(value)] as const;
  });
  return Object.fromEntries(entries) as unknown as SeriesDimensions;
}
