/** Beside the totals' stores: the statements by which the number of shards is read and changed, the same on every engine. */
import { LOG_START } from "../model/ingest-log.ts";
import { failure, type Failure } from "../model/result.ts";
import type { ShardLayout } from "../model/shard-layout.ts";

/** Which of the databases that hold the totals together one is: it has the shards whose number leaves `position`, divided by `count`. */
export interface LayoutPlace {
  readonly position: number;
  readonly count: number;
}

/** The place of a database that holds all totals. */
export const ONLY_DATABASE: LayoutPlace = { position: 0, count: 1 };

/** The shards of a layout that are in one database. */
export function shardsAt({ position, count }: LayoutPlace, shardCount: number): readonly number[] {
  const shards: number[] = [];
  for (let shard = position; shard < shardCount; shard += count) shards.push(shard);
  return shards;
}

/** A statement with its values. */
export type LayoutStatement = readonly [sql: string, values: readonly (string | number)[]];

/** Reads the layout. */
export const SELECT_LAYOUT =
  "SELECT epoch, shard_count, previous_shard_count, wanted_shard_count FROM shard_layout WHERE id = 1";

/** A row of {@link SELECT_LAYOUT}. */
export function layoutOf(row: Readonly<Record<string, unknown>>): ShardLayout {
  return {
    epoch: Number(row["epoch"]),
    shardCount: Number(row["shard_count"]),
    previousShardCount: Number(row["previous_shard_count"]),
    wantedShardCount: Number(row["wanted_shard_count"]),
  };
}

/** Asks for another number; changes one row, or none when the layout is another by now. */
export function wantStatement({ epoch, shardCount, wantedShardCount }: ShardLayout, wanted: number): LayoutStatement {
  const begins = shardCount === 0 ? ", shard_count = ?" : "";
  return [
    `UPDATE shard_layout SET wanted_shard_count = ?${begins}
     WHERE id = 1 AND epoch = ? AND shard_count = ? AND wanted_shard_count = ?`,
    [wanted, ...(begins === "" ? [] : [wanted]), epoch, shardCount, wantedShardCount],
  ];
}

/** Why a number cannot be asked for now; `undefined` when it can. */
export function wantRefusal({ shardCount, wantedShardCount }: ShardLayout, wanted: number): Failure | undefined {
  if (wanted !== shardCount || wantedShardCount === shardCount) return undefined;
  return failure(
    "conflict",
    `a change from ${shardCount} to ${wantedShardCount} shards is under way: wait for its end`,
  );
}

/** Why so many shards cannot be had in several databases: a slot would change its database. `undefined` when they can. */
export function unevenRefusal(shardCount: number, databases: number): Failure | undefined {
  if (shardCount % databases === 0) return undefined;
  return failure("invalid", `${shardCount} shards are no multiple of ${databases} databases`);
}

/** How many shards of a layout are finished, and when the last that all of them committed was. */
export function finishedStatement({ epoch, shardCount }: ShardLayout): LayoutStatement {
  return [
    `SELECT COUNT(*) AS finished, COALESCE(MIN(persisted_at), 0) AS persisted_at FROM ingest_offset
     WHERE layout = ? AND finished = 1 AND shard < ?`,
    [epoch, shardCount],
  ];
}

/**
 * The statements that begin the wanted layout. Every shard begins another generation, so that an owner of before commits nothing more.
 * It counts as a commit of each, so that who reads for the next owner is known to have seen it, and all that was committed before.
 * `persistedAt`: up to when everything is counted; shards without data yet must not look as if they were behind.
 */
export function changeStatements(
  from: ShardLayout,
  place: LayoutPlace,
  persistedAt: number,
): readonly LayoutStatement[] {
  const { epoch, shardCount, wantedShardCount: wanted } = from;
  const next = epoch + 1;
  const shards = shardsAt(place, wanted);
  return [
    [
      `UPDATE shard_layout SET epoch = ?, previous_shard_count = ?, shard_count = ? WHERE id = 1 AND epoch = ?`,
      [next, shardCount, wanted, epoch],
    ],
    ["UPDATE ingest_offset SET generation = generation + 1, commits = commits + 1, layout = ?, finished = 0", [next]],
    [
      `INSERT INTO retired_offset (shard, generation, last_id, commits, log_identity)
       SELECT shard, generation, last_id, commits, log_identity FROM ingest_offset WHERE shard >= ?`,
      [wanted],
    ],
    ["DELETE FROM ingest_offset WHERE shard >= ?", [wanted]],
    [
      `INSERT INTO ingest_offset (shard, generation, last_id, persisted_at, commits, log_identity, layout)
       SELECT shard, generation + 1, last_id, ?, commits + 1, log_identity, ? FROM retired_offset WHERE shard < ?`,
      [persistedAt, next, wanted],
    ],
    ["DELETE FROM retired_offset WHERE shard < ?", [wanted]],
    ...shards.map((shard): LayoutStatement => [
      `INSERT INTO ingest_offset (shard, generation, last_id, persisted_at, commits, layout)
         SELECT ?, 1, ?, ?, 1, ? FROM shard_layout
         WHERE id = 1 AND NOT EXISTS (SELECT 1 FROM ingest_offset WHERE shard = ?)`,
      [shard, LOG_START, persistedAt, next, shard],
    ]),
  ];
}

/** Makes the row of a shard that the layout has; with nothing yet, of any. The end differs by engine. */
export const MAKE_OFFSET: string = `INSERT INTO ingest_offset (shard, generation, last_id, persisted_at, layout)
  SELECT ?, 1, '${LOG_START}', 0, epoch FROM shard_layout WHERE id = 1 AND (shard_count = 0 OR shard_count > ?)`;

/** Marks a shard finished; changes one row, or none when the offset is elsewhere. */
export const FINISH_SHARD = `UPDATE ingest_offset SET finished = 1, generation = generation + 1
  WHERE shard = ? AND generation = ? AND last_id = ?`;

/** Failure `conflict`: somebody else has asked for something, or changed it, meanwhile. */
export function layoutElsewhere(): Failure {
  return failure("conflict", "the number of shards was changed meanwhile");
}
