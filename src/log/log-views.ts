/**
 * Looks at logs without changing anything, while receivers use them: `verify` asks.
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { pathToFileURL } from "node:url";
import { viewLog, type LogView } from "../model/log-view.ts";
import { retryable, success, type Result } from "../model/result.ts";
import { LOG_FILE } from "./open-sqlite-logs.ts";
import { withInspectedRedis, type RedisInspectionOptions } from "./redis-inspection.ts";
import { RedisStreamLog } from "./redis-stream-log.ts";
import { sqliteFault } from "./sqlite-log-file.ts";

/** Nothing is appended here. */
const NO_LIMITS = { maxEntries: 0, maxBytes: 0 };

/** The logs of these shards of a layout in Redis, in their order. Retryable `unavailable` in plain words. */
export function redisLogViews(
  options: RedisInspectionOptions,
  shards: readonly number[],
  layout: number,
): Promise<Result<readonly LogView[]>> {
  return withInspectedRedis({ ...options, shards }, async (servers) => {
    const views: LogView[] = [];
    for (const shard of shards) {
      const redis = servers.routeTo(shard);
      const log = new RedisStreamLog({ redis, shard, layout, limits: NO_LIMITS, clock: options.clock });
      const view = await viewLog(log);
      if (view.kind !== "success") return view;
      views.push(view.value);
    }
    return success(views);
  });
}

/**
 * The logs of these shards in the embedded file, in their order. Whether one is open only its process knows: here it is as soon as it
 * ever was. Retryable `unavailable` when there is no file, or it cannot be read.
 */
export function sqliteLogViews(dataDirectory: string, shards: readonly number[]): Result<readonly LogView[]> {
  const path = join(dataDirectory, LOG_FILE);
  if (!existsSync(path)) return retryable("unavailable", `there is no ${path}: set DATA_DIR to the receiver's`);
  let database: DatabaseSync | undefined;
  try {
    const address = pathToFileURL(path);
    // As with the totals: a file that nobody has open is read as it is, so that nothing is left beside it.
    if (!existsSync(`${path}-wal`)) address.searchParams.set("immutable", "1");
    database = new DatabaseSync(address, { readOnly: true });
    database.exec("PRAGMA busy_timeout = 2000; BEGIN");
    return success(shards.map((shard) => sqliteView(database!, shard)));
  } catch (error) {
    return sqliteFault(error);
  } finally {
    database?.close();
  }
}

function sqliteView(database: DatabaseSync, shard: number): LogView {
  const known = database.prepare("SELECT * FROM ingest_log_shard WHERE shard = ?").get(shard);
  const held = database.prepare("SELECT COUNT(*) AS entries FROM ingest_log WHERE shard = ?").get(shard);
  const oldest = database
    .prepare("SELECT seq, received_at_millis FROM ingest_log WHERE shard = ? ORDER BY seq LIMIT 1")
    .get(shard);
  const generation = Number(known?.["generation"] ?? 0);
  return {
    status: {
      entries: Number(held?.["entries"] ?? 0),
      lastId: `${Number(known?.["last_seq"] ?? 0)}-0`,
      isOpen: generation > 0,
      isSuperseded: false,
      wasOpenedHere: generation > 0,
      storage: "",
      generation,
      identity: String(known?.["identity"] ?? ""),
    },
    oldest: oldest && { id: `${Number(oldest["seq"])}-0`, receivedAtMillis: Number(oldest["received_at_millis"]) },
  };
}
