/** What a MariaDB that is killed while it commits still has of what it acknowledged. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { createConnection, type RowDataPacket } from "mysql2/promise";
import { installMariadb, runMariadb } from "./databases.ts";

/** What one run found. */
export interface Loss {
  /** Entries or commits. */
  readonly acknowledged: number;
  readonly lost: number;
  /** How long before the kill the oldest that is lost was acknowledged, milliseconds. */
  readonly lostMillis: number;
}

const WRITERS = 4;

/** One run: commits of one row each, until the server is killed. */
export async function mariadbLoss(flushLogAtCommit: number): Promise<Loss> {
  const directory = mkdtempSync(join(tmpdir(), "otel-bandwidth-loss-"));
  try {
    installMariadb(directory);
    const server = await runMariadb(directory, flushLogAtCommit);
    const admin = await createConnection({ uri: server.url });
    await admin.query("CREATE TABLE written (id BIGINT PRIMARY KEY) ENGINE=InnoDB");
    await admin.end();
    // What was made with the table is on the disk; what follows is what is measured.
    await pause(1500);
    const times = new Map<number, number>();
    const writers = Array.from({ length: WRITERS }, (_, writer) => write(server.url, writer, times));
    await pause(1000 + Math.random() * 1500);
    const killedAt = performance.now();
    process.kill(server.pid, "SIGKILL");
    await Promise.all(writers);
    await server.stop();
    const present = await presentAfterRestart(directory, flushLogAtCommit);
    const lost = [...times].filter(([id]) => !present.has(id)).map(([, at]) => Math.max(0, killedAt - at));
    return { acknowledged: times.size, lost: lost.length, lostMillis: Math.max(0, ...lost) };
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

async function write(url: string, writer: number, times: Map<number, number>): Promise<void> {
  const connection = await createConnection({ uri: url });
  connection.on("error", () => undefined);
  try {
    for (let count = 0; ; count += 1) {
      const id = count * WRITERS + writer;
      await connection.execute("INSERT INTO written VALUES (?)", [id]);
      times.set(id, performance.now());
    }
  } catch {
    connection.destroy();
  }
}

async function presentAfterRestart(directory: string, flushLogAtCommit: number): Promise<ReadonlySet<number>> {
  const server = await runMariadb(directory, flushLogAtCommit);
  try {
    const connection = await createConnection({ uri: server.url });
    const [rows] = await connection.query<RowDataPacket[]>("SELECT id FROM written");
    await connection.end();
    return new Set(rows.map((row) => Number(row["id"])));
  } finally {
    await server.stop();
  }
}
