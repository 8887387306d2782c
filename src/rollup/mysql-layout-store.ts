/**
 * The number of shards in MySQL or MariaDB, on the connections of the totals.
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
import type { MysqlDatabase } from "./mysql-database.ts";
import type { MysqlSession } from "./mysql-session.ts";

/** The layout's store on MySQL and MariaDB. */
export class MysqlLayoutStore implements LayoutStore {
  readonly #database: MysqlDatabase;
  readonly #place: LayoutPlace;

  /** Uses the connections of a database that its owner closes. */
  constructor(database: MysqlDatabase, place: LayoutPlace = ONLY_DATABASE) {
    this.#database = database;
    this.#place = place;
  }

  layout(): Promise<Result<ShardLayout>> {
    return this.#answer((session) => readLayout(session));
  }

  want(from: ShardLayout, shardCount: number): Promise<Result<void>> {
    return this.#answer(async (session) => {
      if (from.wantedShardCount === shardCount) return success(undefined);
      const refusal = wantRefusal(from, shardCount);
      if (refusal) return refusal;
      const changed = await session.run(...wantStatement(from, shardCount));
      return changed === 1 ? success(undefined) : layoutElsewhere();
    });
  }

  change(from: ShardLayout): Promise<Result<void>> {
    return this.#answer(async (session) => {
      let answer: Result<void> = success(undefined);
      await session.transaction(async () => {
        answer = await changeLayout(session, from, this.#place);
        return answer.kind === "success";
      });
      return answer;
    });
  }

  async #answer<T>(work: (session: MysqlSession) => Promise<Result<T>>): Promise<Result<T>> {
    try {
      return await this.#database.withSession(work);
    } catch (error) {
      return retryable("unavailable", `MySQL: ${messageOf(error)}`);
    }
  }
}

async function readLayout(session: MysqlSession, lock = ""): Promise<Result<ShardLayout>> {
  const [row] = await session.rows(`${SELECT_LAYOUT}${lock}`, []);
  return row === undefined ? retryable("unavailable", "the layout was deleted") : success(layoutOf(row));
}

async function changeLayout(session: MysqlSession, from: ShardLayout, place: LayoutPlace): Promise<Result<void>> {
  const stored = await readLayout(session, " FOR UPDATE");
  if (stored.kind !== "success") return stored;
  const { epoch, wantedShardCount } = stored.value;
  if (epoch !== from.epoch || wantedShardCount !== from.wantedShardCount) return layoutElsewhere();
  const [sql, values] = finishedStatement(from);
  const [row] = await session.rows(`${sql} FOR UPDATE`, values);
  const finished = Number(row?.["finished"]);
  const shards = shardsAt(place, from.shardCount).length;
  if (finished < shards) return retryable("unavailable", `${finished} of ${shards} shards are finished`);
  for (const statement of changeStatements(from, place, Number(row?.["persisted_at"]))) await session.run(...statement);
  return success(undefined);
}
