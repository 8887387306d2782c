/**
 * The number of shards in the SQLite file of the totals, on the same connection.
 */
import { messageOf, retryable, success, type Result } from "../model/result.ts";
import type { LayoutStore, ShardLayout } from "../model/shard-layout.ts";
import {
  changeStatements,
  finishedStatement,
  layoutElsewhere,
  layoutOf,
  type LayoutPlace,
  ONLY_DATABASE,
  SELECT_LAYOUT,
  shardsAt,
  wantRefusal,
  wantStatement,
} from "./layout-statements.ts";
import type { SqliteSession } from "./sqlite-session.ts";

/** The layout's store on SQLite. */
export class SqliteLayoutStore implements LayoutStore {
  readonly #session: () => SqliteSession;
  readonly #place: LayoutPlace;

  /** `session` gives the connection of the totals, or throws when it was closed. */
  constructor(session: () => SqliteSession, place: LayoutPlace = ONLY_DATABASE) {
    this.#session = session;
    this.#place = place;
  }

  async layout(): Promise<Result<ShardLayout>> {
    return this.#answer((session) => readLayout(session));
  }

  async want(from: ShardLayout, shardCount: number): Promise<Result<void>> {
    return this.#answer((session) => {
      if (from.wantedShardCount === shardCount) return success(undefined);
      const refusal = wantRefusal(from, shardCount);
      if (refusal) return refusal;
      return session.run(...wantStatement(from, shardCount)) === 1 ? success(undefined) : layoutElsewhere();
    });
  }

  async change(from: ShardLayout): Promise<Result<void>> {
    return this.#answer((session) => {
      let answer: Result<void> = success(undefined);
      session.transaction(() => {
        answer = changeLayout(session, from, this.#place);
        return answer.kind === "success";
      });
      return answer;
    });
  }

  #answer<T>(work: (session: SqliteSession) => Result<T>): Result<T> {
    try {
      return work(this.#session());
    } catch (error) {
      return retryable("unavailable", `SQLite: ${messageOf(error)}`);
    }
  }
}

function readLayout(session: SqliteSession): Result<ShardLayout> {
  const row = session.get(SELECT_LAYOUT, []);
  return row === undefined ? retryable("unavailable", "the layout was deleted") : success(layoutOf(row));
}

function changeLayout(session: SqliteSession, from: ShardLayout, place: LayoutPlace): Result<void> {
  const stored = readLayout(session);
  if (stored.kind !== "success") return stored;
  const { epoch, wantedShardCount } = stored.value;
  if (epoch !== from.epoch || wantedShardCount !== from.wantedShardCount) return layoutElsewhere();
  const row = session.get(...finishedStatement(from));
  const finished = Number(row?.["finished"]);
  const shards = shardsAt(place, from.shardCount).length;
  if (finished < shards) return retryable("unavailable", `${finished} of ${shards} shards are finished`);
  for (const statement of changeStatements(from, place, Number(row?.["persisted_at"]))) session.run(...statement);
  return success(undefined);
}
