/**
 * Who was erased, on SQLite: read inside each commit, again only when there is more.
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
import type { SqliteSession } from "./sqlite-session.ts";

const INSERT_ERASED =
  "INSERT INTO erased_series (series_id, erased_into) VALUES (?, ?) ON CONFLICT (series_id) DO NOTHING";

/** Applies erasures to commits, inside their transactions. */
export class SqliteErasures {
  #known: KnownErasures = NO_ERASURES;

  /** The commit without the names of erased persons; series that are met for the first time are noted. Throws what SQLite reports. */
  applied(session: SqliteSession, commit: ShardCommit): ShardCommit {
    const count = Number(session.get(COUNT_ERASURES, [])?.["erasures"]);
    if (count !== this.#known.count) {
      const participants = session.all(READ_ERASED_PARTICIPANTS, []);
      this.#known = knownErasures(count, participants, session.all(READ_ERASED_SERIES, []));
    }
    const anonymous = withoutErased(commit, this.#known);
    for (const { seriesId, erasedInto } of anonymous.newlyErased) {
      session.run(INSERT_ERASED, [seriesId, erasedInto]);
    }
    return anonymous.commit;
  }
}
