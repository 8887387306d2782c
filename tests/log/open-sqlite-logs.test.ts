import { execFileSync, spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { DatabaseSync } from "node:sqlite";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openSqliteLogs } from "../../src/log/open-sqlite-logs.ts";
import type { SqliteLogs, SqliteLogsOptions } from "../../src/log/open-sqlite-logs.ts";
import { LOG_START } from "../../src/model/ingest-log.ts";
import { idOf, logEntry, opened, valueOf } from "../support/log-entries.ts";

const SCRIPT = fileURLToPath(new URL("../support/sqlite-log-process.ts", import.meta.url));

let dataDirectory: string;
const children: ChildProcess[] = [];

beforeEach(async () => {
  dataDirectory = await mkdtemp(join(tmpdir(), "otel-bandwidth-log-"));
});
afterEach(async () => {
  for (const child of children.splice(0)) await killed(child);
  await rm(dataDirectory, { recursive: true, force: true });
});

function options(changes: Partial<SqliteLogsOptions> = {}): SqliteLogsOptions {
  const limits = { maxEntries: 1_000_000, maxBytes: 1_000_000_000 };
  return { dataDirectory, limits, storage: "file", ...changes };
}

/** Opens the file and each of its logs. */
async function openAll(given: SqliteLogsOptions, shardCount = 1): Promise<SqliteLogs> {
  const logs = valueOf(openSqliteLogs(given));
  for (const log of logs.logs(shardCount)) await opened(log);
  return logs;
}

/** Starts the other process; `next` gives its lines one by one. */
function startProcess(fileSizeLimitBlocks?: number): {
  child: ChildProcess;
  next: () => Promise<string>;
  append: (bytes: number) => void;
} {
  const command = [process.execPath, "--disable-warning=ExperimentalWarning", SCRIPT, dataDirectory];
  const limit = fileSizeLimitBlocks === undefined ? "" : `ulimit -S -f ${fileSizeLimitBlocks}; `;
  const child = spawn("sh", ["-c", `${limit}exec "$@"`, "sh", ...command], { stdio: ["pipe", "pipe", "inherit"] });
  children.push(child);
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    child,
    next: async () => String((await lines.next()).value),
    append: (bytes) => void child.stdin.write(`${bytes}\n`),
  };
}

async function killed(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = new Promise((resolve) => child.once("exit", resolve));
  child.kill("SIGKILL");
  await exited;
}

/** Transactions in the write-ahead file: frames that carry the database's size (sqlite.org/fileformat2.html, section 4.1). */
async function countCommits(): Promise<number> {
  const file = await readFile(join(dataDirectory, "ingest-log.db-wal"));
  const frameBytes = 24 + file.readUInt32BE(8);
  let commits = 0;
  for (let frame = 32; frame + frameBytes <= file.length; frame += frameBytes) {
    if (file.readUInt32BE(frame + 4) > 0) commits += 1;
  }
  return commits;
}

describe("openSqliteLogs", () => {
  it("keeps a second process out, naming the first, until that is killed", async () => {
    const first = startProcess();
    expect(await first.next()).toBe("open");
    const refused = openSqliteLogs(options());
    expect(refused).toMatchObject({ kind: "failure", code: "conflict" });
    expect(refused).toHaveProperty("reason", expect.stringContaining(`process ${first.child.pid}`));
    const second = startProcess();
    expect(await second.next()).toContain(`refused: ${dataDirectory} is in use by process ${first.child.pid}`);
    await killed(first.child);
    valueOf(openSqliteLogs(options())).close();
  });

  it("keeps a second opening in the same process out, and lets it in after close", () => {
    const first = valueOf(openSqliteLogs(options()));
    expect(openSqliteLogs(options())).toMatchObject({ kind: "failure", code: "conflict" });
    first.close();
    valueOf(openSqliteLogs(options())).close();
  });

  it("has after kill -9 every entry it acknowledged", async () => {
    const { child, next, append } = startProcess();
    expect(await next()).toBe("open");
    for (let index = 0; index < 200; index += 1) append(5000);
    const acknowledged: string[] = [];
    for (let index = 0; index < 60; index += 1) acknowledged.push(await next());
    await killed(child);
    const logs = valueOf(openSqliteLogs(options()));
    const stored = valueOf(await logs.logs(1)[0]!.read(LOG_START, 1000)).map((entry) => `id ${entry.id}`);
    expect(stored.slice(0, 60)).toEqual(acknowledged);
    logs.close();
  });

  it("answers unavailable when the disk is full, and goes on when there is room again", async () => {
    // POSIX counts this limit in blocks of 512 bytes, some shells in blocks of 1024: at most 2 MB either way.
    const { child, next, append } = startProcess(2000);
    expect(await next()).toBe("open");
    const answers: string[] = [];
    for (let index = 0; index < 30; index += 1) {
      append(200_000);
      answers.push(await next());
    }
    expect(answers.at(-1)).toBe("fault unavailable");
    execFileSync("prlimit", ["--pid", String(child.pid), "--fsize=unlimited:"]);
    append(200_000);
    const last = await next();
    expect(last).toContain("id ");
    await killed(child);
    const logs = valueOf(openSqliteLogs(options()));
    const stored = valueOf(await logs.logs(1)[0]!.read(LOG_START, 1000)).map((entry) => `id ${entry.id}`);
    expect(stored).toEqual([...answers.filter((answer) => answer.startsWith("id")), last]);
    logs.close();
  });

  it("makes the appends of one tick durable in one transaction, whatever their shard", async () => {
    const logs = await openAll(options(), 2);
    const before = await countCommits();
    await Promise.all(Array.from({ length: 50 }, (_, index) => logs.logs(2)[index % 2]!.append(logEntry())));
    expect((await countCommits()) - before).toBe(1);
    await logs.logs(1)[0]!.append(logEntry());
    await logs.logs(2)[1]!.append(logEntry());
    expect((await countCommits()) - before).toBe(3);
    logs.close();
  });

  it("keeps shards apart and can be read by others while it runs", async () => {
    const logs = await openAll(options({ limits: { maxEntries: 2, maxBytes: 1000 } }), 3);
    const [zero, one, two] = logs.logs(3);
    const results = await Promise.all([zero!, zero!, zero!, one!].map((log) => log.append(logEntry())));
    expect(results.map((result) => result.kind)).toEqual(["success", "success", "retryable", "success"]);
    valueOf(await zero!.trim(idOf(results[1]!)));
    const other = new DatabaseSync(join(dataDirectory, "ingest-log.db"), { readOnly: true });
    const held = other.prepare("SELECT shard || ' ' || seq AS entry FROM ingest_log").all();
    expect(held.map((row) => row["entry"])).toEqual(["1 1"]);
    other.close();
    expect(
      [await zero!.status(), await one!.status(), await two!.status()].map((status) => valueOf(status).entries),
    ).toEqual([0, 1, 0]);
    logs.close();
  });

  it("upgrades a file of the first format and keeps what it holds", async () => {
    const file = new DatabaseSync(join(dataDirectory, "ingest-log.db"));
    file.exec(`CREATE TABLE ingest_log (shard INTEGER NOT NULL, seq INTEGER NOT NULL, body BLOB NOT NULL, body_hash BLOB NOT NULL,
        content_type TEXT NOT NULL, encoding TEXT NOT NULL, received_at_millis INTEGER NOT NULL, entry_key BLOB NOT NULL,
        meeting TEXT, participant TEXT, PRIMARY KEY (shard, seq)) STRICT;
      CREATE TABLE ingest_log_shard (shard INTEGER PRIMARY KEY, last_seq INTEGER NOT NULL) STRICT;
      INSERT INTO ingest_log VALUES (0, 7, x'01', x'', 'protobuf', 'identity', 5, x'09', NULL, NULL);
      INSERT INTO ingest_log_shard VALUES (0, 7);`);
    file.close();
    const logs = await openAll(options());
    expect(idOf(await logs.logs(1)[0]!.append(logEntry()))).toBe("8-0");
    expect(valueOf(await logs.logs(1)[0]!.read(LOG_START, 9)).map(({ id }) => id)).toEqual(["7-0", "8-0"]);
    logs.close();
  });

  it("settles what was under way when it closes, and answers unavailable afterwards", async () => {
    const logs = valueOf(openSqliteLogs(options()));
    await opened(logs.logs(1)[0]!);
    const underWay = logs.logs(1)[0]!.append(logEntry());
    logs.close();
    expect((await underWay).kind).toBe("success");
    for (const result of [
      await logs.logs(1)[0]!.append(logEntry()),
      await logs.logs(1)[0]!.read(LOG_START, 1),
      await logs.logs(1)[0]!.writable(),
    ]) {
      expect(result).toMatchObject({ kind: "retryable", code: "unavailable" });
    }
    expect(valueOf(await logs.logs(1)[0]!.status())).toMatchObject({ entries: 1, bytes: 32 });
  });

  it("says so when the file is no database, and gives the lock up", async () => {
    await writeFile(
      join(dataDirectory, "ingest-log.db"),
      "no database at all, but long enough to be read as one".repeat(40),
    );
    expect(openSqliteLogs(options())).toMatchObject({ kind: "retryable", code: "unavailable" });
    await rm(join(dataDirectory, "ingest-log.db"));
    valueOf(openSqliteLogs(options())).close();
  });

  it("says so when the directory cannot be made", async () => {
    await writeFile(join(dataDirectory, "file"), "");
    expect(openSqliteLogs(options({ dataDirectory: join(dataDirectory, "file", "inside") }))).toMatchObject({
      code: "unavailable",
    });
  });
});
