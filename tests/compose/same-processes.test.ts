/**
 * The processes of `docker-compose.yml` without containers: Redis by its very command, receiver, Collector and demo app with
 * their very environment, only the addresses are this machine's. What the demo's visitors did is in the totals.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Redis } from "ioredis";
import { afterAll, expect, it } from "vitest";
import { ROOT } from "../../scripts/run-command.ts";
import { createReceiver } from "../../src/app/receiver.ts";
import { MysqlRollupStore } from "../../src/rollup/mysql-rollup-store.ts";
import { endsWithUs } from "../support/ends-with-us.ts";
import { freePort } from "../support/free-port.ts";
import { startMariadb } from "../support/mariadb-server.ts";
import { COLLECTOR, startCollector } from "../support/otel-collector.ts";
import { startRedisServer } from "../support/redis-server.ts";
import { columnSums } from "../support/totals.ts";
import { composeFile } from "./compose-file.ts";

const SECRET = "a1".repeat(24);
const { services } = composeFile();
const cleanUps: (() => Promise<unknown> | void)[] = [];

afterAll(async () => {
  for (const cleanUp of cleanUps.toReversed()) await cleanUp();
});

const without =
  COLLECTOR === undefined
    ? " (SKIPPED: there is no Collector; `npm run collector` builds one, or set OTELCOL_BIN)"
    : "";

it.skipIf(COLLECTOR === undefined)(
  `the demo's traffic reaches the totals${without}`,
  { timeout: 120_000 },
  async () => {
    const { requirepass, ...settings } = redisSettings();
    const redis = await startRedisServer(settings);
    cleanUps.push(() => redis.remove());
    const client = new Redis(redis.url);
    await client.config("SET", "requirepass", requirepass!);
    client.disconnect();
    const sql = await startMariadb();
    cleanUps.push(() => sql.stop());
    const mysqlUrl = await sql.createDatabase();
    const reports: string[] = [];
    const ports = { OTLP_PORT: String(await freePort()), BRIDGE_PORT: String(await freePort()) };
    const receiver = createReceiver({
      environment: {
        ...environmentOf("receiver"),
        ...ports,
        REDIS_URL: redis.url.replace("redis://", `redis://:${SECRET}@`),
        MYSQL_URL: mysqlUrl,
        METRICS_PROCESS_INTERVAL: "100",
        METRICS_PERSIST_INTERVAL: "200",
      },
      report: (message) => void reports.push(message),
    });
    cleanUps.push(() => receiver.stop());
    await receiver.start();
    // What Compose asks for the receiver's health.
    expect((await fetch(`http://127.0.0.1:${ports.BRIDGE_PORT}/readyz`)).status).toBe(200);
    expect((await receiver.warnings()).filter((warning) => /redis/i.test(warning))).toEqual([]);

    const collector = await startCollector({
      configuration: "agent.yaml",
      environment: { OTLP_TOKEN: SECRET, RECEIVER_ENDPOINT: `http://127.0.0.1:${ports.OTLP_PORT}` },
    });
    cleanUps.push(() => collector.remove());

    const port = String(await freePort());
    const demo = startDemo({
      ...environmentOf("demo"),
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.origin,
      OTEL_METRIC_EXPORT_INTERVAL: "500",
      PORT: port,
      DEMO_REQUESTS_PER_SECOND: "50",
    });
    await expect.poll(() => isAnswered(`http://127.0.0.1:${port}/`), { timeout: 20_000 }).toBe(true);
    const store = new MysqlRollupStore({ url: mysqlUrl });
    cleanUps.push(() => store.close());
    const sums = async (): Promise<bigint> => (await columnSums(store))["latency_count"] ?? 0n;
    await expect.poll(sums, { timeout: 30_000, interval: 200 }).toBeGreaterThan(100n);
    expect(await columnSums(store)).toMatchObject({
      bytes_out: expect.any(BigInt),
      wire_bytes_out: expect.any(BigInt),
    });
    expect(demo.exitCode).toBeNull();
    expect(reports).toEqual([]);
  },
);

/** The settings in the command of Compose's Redis, as redis.conf has them. */
function redisSettings(): Record<string, string> {
  const [program, ...words] = services["redis"]!.command!.map(filledIn);
  expect(program).toBe("redis-server");
  const pairs = Array.from({ length: words.length / 2 }, (_, pair) => [
    words[2 * pair]!.replace(/^--/, ""),
    words[2 * pair + 1]!,
  ]);
  return Object.fromEntries(pairs) as Record<string, string>;
}

function environmentOf(service: string): Record<string, string> {
  const entries = Object.entries(services[service]!.environment!);
  return Object.fromEntries(entries.map(([name, value]) => [name, filledIn(value)]));
}

/** As Compose would, with one secret for all. */
function filledIn(value: string): string {
  return value.replaceAll(/\$\{\w+(?::-([^}]*)|:\?[^}]*)\}/g, (_, fallback?: string) => fallback ?? SECRET);
}

/** The command of the image `demo`, in the repository. */
function startDemo(environment: Readonly<Record<string, string>>): ChildProcess {
  const folder = mkdtempSync(join(tmpdir(), "otel-bandwidth-demo-"));
  const register = join(ROOT, "dist/app/register.js");
  const child = spawn(process.execPath, ["--import", register, join(ROOT, "examples/compose-demo/app.js")], {
    cwd: folder,
    env: { PATH: process.env["PATH"], ...environment },
    stdio: ["ignore", "ignore", "inherit"],
  });
  endsWithUs(child);
  cleanUps.push(async () => {
    child.kill("SIGTERM");
    if (child.exitCode === null) await new Promise((resolve) => child.once("exit", resolve));
    rmSync(folder, { recursive: true });
  });
  return child;
}

async function isAnswered(url: string): Promise<boolean> {
  return await fetch(url).then(
    ({ ok }) => ok,
    () => false,
  );
}
