/** What tests of commands on real stores share: a folder, Redis and SQL of a test file's own, and receivers that work beside the command. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type RunningCommand, startCommand } from "./command.ts";
import { freePort } from "./free-port.ts";
import { startMariadb } from "./mariadb-server.ts";
import { type RedisServer, startRedisServer } from "./redis-server.ts";
import type { SqlServer } from "./sql-server.ts";

/** Settings of a command. */
export type Environment = Readonly<Record<string, string>>;

/** A receiver as a process, and where it takes metrics. */
export interface CommandReceiver {
  readonly command: RunningCommand;
  readonly origin: string;
}

/** The stores of one test file. */
export class CommandStores {
  /** For data of embedded receivers. */
  readonly folder: string;
  readonly redis: RedisServer;
  readonly sql: SqlServer;

  private constructor(folder: string, redis: RedisServer, sql: SqlServer) {
    this.folder = folder;
    this.redis = redis;
    this.sql = sql;
  }

  /** Starts them. Rejects when a server cannot be started. */
  static async start(): Promise<CommandStores> {
    const folder = mkdtempSync(join(tmpdir(), "otel-bandwidth-command-"));
    const [redis, sql] = await Promise.all([startRedisServer(), startMariadb()]);
    return new CommandStores(folder, redis, sql);
  }

  /** Ends them and deletes what they hold. */
  async remove(): Promise<void> {
    await Promise.all([this.redis.remove(), this.sql.stop()]);
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** Starts a receiver that folds and commits often, as a process. Resolves when it takes metrics. */
export async function startCommandReceiver(environment: Environment): Promise<CommandReceiver> {
  const port = await freePort();
  const command = startCommand([], {
    OTLP_PORT: String(port),
    BRIDGE_PORT: "0",
    METRICS_PROCESS_INTERVAL: "50",
    METRICS_PERSIST_INTERVAL: "100",
    ...environment,
  });
  await command.printed(/log in /);
  return { command, origin: `http://127.0.0.1:${port}` };
}
