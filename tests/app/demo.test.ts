/** The demo as a person starts it: a child process, real load, real stores. */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { fileURLToPath } from "node:url";
import { createConnection } from "mysql2/promise";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { startMariadb } from "../support/mariadb-server.ts";
import { testRedis } from "../support/redis-server.ts";

const MAIN = fileURLToPath(new URL("../../src/app/main.ts", import.meta.url));
const TABLES = ["metrics_minute", "metrics_hourly", "metrics_daily", "series"];
const TIMEOUT_MILLIS = 60_000;
/** Settings of the machine that runs the tests have no say. */
const SETTINGS = /^(OTEL|METRICS|REDIS|MYSQL|DATA_DIR|OTLP|TLS|BRIDGE|TURN|SHARDS|NODE_OPTIONS)/;

interface DemoProcess {
  readonly child: ChildProcess;
  readonly output: () => string;
  readonly exitCode: Promise<number | null>;
}

describe("otel-bandwidth demo", { timeout: TIMEOUT_MILLIS }, () => {
  let folder = "";
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "demo-test-"));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  function start(environment: Readonly<Record<string, string>>, ...args: readonly string[]): DemoProcess {
    const kept = Object.entries(process.env).filter(([name]) => !SETTINGS.test(name));
    const child = spawn(process.execPath, [MAIN, "demo", ...args], {
      env: { ...Object.fromEntries(kept), TMPDIR: folder, ...environment },
      stdio: ["ignore", "pipe", "pipe"],
    });
    let output = "";
    child.stdout.on("data", (text: Buffer) => (output += text.toString()));
    child.stderr.on("data", (text: Buffer) => (output += text.toString()));
    const exitCode = once(child, "close").then(([code]) => code as number | null);
    return { child, output: () => output, exitCode };
  }

  it("stores every byte that its load counted, and leaves nothing behind", async () => {
    const run = start({}, "--seconds", "3");
    expect(await run.exitCode, run.output()).toBe(0);
    const lines = run.output().split("\n");
    for (const endpoint of [
      "POST   /api/orders 201",
      "POST   /api/orders 400",
      "PUT    /api/uploads/:name 200",
      "GET    /api/reports/:id 200",
      "GET    /api/export 200",
      "GET    /api/failing 500",
    ]) {
      expect(lines.find((line) => line.startsWith(endpoint))).toMatch(/equal$/);
    }
    for (const table of ["metrics_minute", "metrics_hourly", "metrics_daily"]) {
      expect(lines.find((line) => line.startsWith(`sum of ${table}`))).toMatch(/equal$/);
    }
    expect(run.output()).not.toContain("DIFFERENT");
    expect(run.output()).toMatch(/write statements to SQL: at most \d+ in any minute while running; \d+ in all/);
    expect(readdirSync(folder)).toEqual([]);
  });

  it("keeps what it stored in DATA_DIR, under the names of the contract", async () => {
    const dataDirectory = join(folder, "data");
    const run = start({ DATA_DIR: dataDirectory }, "--seconds", "1");
    expect(await run.exitCode, run.output()).toBe(0);
    using database = new DatabaseSync(join(dataDirectory, "bandwidth.db"), { readOnly: true });
    for (const table of ["metrics_minute", "metrics_hourly", "metrics_daily"]) {
      const sums = database
        .prepare(
          `SELECT sum(bytes_in) > 0 AS bytesIn, sum(bytes_out) > 0 AS bytesOut FROM ${table} JOIN series USING (series_id)
           WHERE service = 'demo-api' AND side = 'server'`,
        )
        .get();
      expect({ ...sums }).toEqual({ bytesIn: 1, bytesOut: 1 });
    }
  });

  it("fills Redis and MySQL where they are named, with few statements", async () => {
    const redis = await testRedis();
    const sql = await startMariadb();
    try {
      const url = await sql.createDatabase();
      const run = start({ REDIS_URL: redis.url, MYSQL_URL: url, METRICS_PERSIST_INTERVAL: "60000" }, "--seconds=2");
      expect(await run.exitCode, run.output()).toBe(0);
      const commit = /of them (\d+) by the commit at the end/.exec(run.output());
      expect(Number(commit?.[1])).toBeLessThanOrEqual(10);
      const connection = await createConnection({ uri: url });
      const counted = await Promise.all(
        TABLES.map((table) => connection.query(`SELECT COUNT(*) > 0 AS filled FROM ${table}`)),
      );
      await connection.end();
      expect(counted.map(([rows]) => rows)).toEqual(TABLES.map(() => [{ filled: 1 }]));
    } finally {
      await sql.stop();
      await redis.remove();
    }
  });

  it("ends everything it started when it is interrupted", async () => {
    const run = start({}, "--seconds", "3600");
    await expect.poll(run.output, { timeout: TIMEOUT_MILLIS }).toContain("requests/s on");
    const port = /sample API {2}http:\/\/127\.0\.0\.1:(\d+)/.exec(run.output())?.[1] ?? "";
    expect((await fetch(`http://127.0.0.1:${port}/api/products`)).status).toBe(200);
    run.child.kill("SIGINT");
    expect(await run.exitCode, run.output()).toBe(130);
    await expect(fetch(`http://127.0.0.1:${port}/api/products`)).rejects.toThrow("fetch failed");
    expect(readdirSync(folder)).toEqual([]);
  });

  it.each(["0", "3601", "1.5", "soon", ""])("refuses --seconds %j before anything starts", async (seconds) => {
    const run = start({}, `--seconds=${seconds}`);
    expect(await run.exitCode).toBe(2);
    expect(run.output()).toContain("--seconds: expected a whole number from 1 to 3600");
    expect(readdirSync(folder)).toEqual([]);
  });

  it("refuses wrong settings, and to run without metrics", async () => {
    const wrong = start({ SHARDS: "none" });
    expect(await wrong.exitCode).toBe(2);
    expect(wrong.output()).toContain("SHARDS: expected");
    const off = start({ METRICS_ENABLED: "false", DATA_DIR: join(folder, "data") });
    expect(await off.exitCode).toBe(2);
    expect(existsSync(join(folder, "data"))).toBe(false);
  });
});
