/**
 * Who was erased, on MySQL and MariaDB: read inside each commit, again only when there is more.
 */
import type { ShardCommit } from "../model/rollup-store.ts";
import {
  COUNT_ERASURES,
  knownErasures,
  NO_ERASURES,
  READ_ERASED_PARTICIPANTS,
  READ_ERASED_SERIES,
  withoutErased,
  type KnownErasures,
} from "./erasures.ts";
import { chunksOf, MAX_BYTES_PER_INSERT, MAX_ROWS_PER_INSERT } from "./mysql-chunks.ts";
import type { MysqlSession } from "./mysql-session.ts";

/** Applies erasures to commits, inside their transactions. */
export class MysqlErasures {
  #known: KnownErasures = NO_ERASURES;

  /** The commit without the names of erased persons; series that are met for the first time are noted. Rejects with what the driver reports. */
  async applied(session: MysqlSession, commit: ShardCommit): Promise<ShardCommit> {
    const [row] = await session.rows(COUNT_ERASURES, []);
    const count = Number(row?.["erasures"]);
    if (count !== this.#known.count) this.#known = await read(session, count);
    const anonymous = withoutErased(commit, this.#known);
    const rows = anonymous.newlyErased.map(({ seriesId, erasedInto }) => [seriesId, erasedInto]);
    for (const chunk of chunksOf(rows, MAX_ROWS_PER_INSERT, MAX_BYTES_PER_INSERT, () => 16)) {
      const values = chunk.map(() => "(?, ?)").join(", ");
      await session.run(
        `INSERT INTO erased_series (series_id, erased_into) VALUES ${values}
         ON DUPLICATE KEY UPDATE erased_into = erased_series.erased_into`,
        chunk.flat(),
      );
    }
    return anonymous.commit;
  }
}

async function read(session: MysqlSession, count: number): Promise<KnownErasures> {
  const participants = await session.rows(READ_ERASED_PARTICIPANTS, []);
  return knownErasures(count, participants, await session.rows(READ_ERASED_SERIES, []));
}
