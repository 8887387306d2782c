/**
 * What the receiver costs the stores that people have already: statements that write to SQL in a minute, and the memory of
 * Redis, while services of 50 routes (250 points) send at the interval of `otel-bandwidth/register`. Every setting of the receiver
 * is its default.
 *
 * `npm run build && node bench/cost.ts [--services 40] [--minutes 3]`; the first minute is not counted.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { gzipSync } from "node:zlib";
import { type Connection, createConnection } from "mysql2/promise";
import { answers, type ChildServer, startChildServer, unusedPort } from "./child-server.ts";
import { startMariadb, startRedis } from "./databases.ts";
import { RedisMemory } from "./redis-memory.ts";
import { ServiceMetrics } from "./service-metrics.ts";
import { sqlWork } from "./sql-work.ts";

const MAIN = new URL("../dist/app/main.js", import.meta.url).pathname;
const EXPORT_INTERVAL_MILLIS = 5000;
const ROUTES = 50;
const { values } = parseArgs({
  options: { services: { type: "string", default: "40" }, minutes: { type: "string", default: "3" } },
});
const serviceCount = positive("services", values.services);
const minutes = positive("minutes", values.minutes);

const running: ChildServer[] = [];

async function run(directory: string): Promise<void> {
  const redis = await startRedis(directory);
  running.push(redis);
  const sql = await startMariadb(directory);
  running.push(sql);
  const [port, bridgePort] = [await unusedPort(), await unusedPort()];
  const receiver = await startChildServer({
    command: process.execPath,
    commandArguments: [MAIN, "serve"],
    environment: {
      REDIS_URL: redis.url,
      MYSQL_URL: sql.url,
      OTLP_PORT: String(port),
      BRIDGE_PORT: String(bridgePort),
      DATA_DIR: join(directory, "data"),
    },
    ready: () => answers(`http://127.0.0.1:${bridgePort}/readyz`),
  });
  running.push(receiver);
  const connection = await createConnection({ uri: sql.url });
  const memory = new RedisMemory(redis.url);
  try {
    await measure(`http://127.0.0.1:${port}/v1/metrics`, connection, memory);
  } finally {
    memory.end();
    await connection.end();
  }
}

async function measure(url: string, connection: Connection, memory: RedisMemory): Promise<void> {
  const started = Date.now();
  const services = Array.from(
    { length: serviceCount },
    (_, index) => new ServiceMetrics(`service-${index}`, ROUTES, started, index + 1),
  );
  const requests = (): number => services.reduce((sum, { totals }) => sum + totals.requests, 0);
  console.log(
    `${serviceCount} services, ${serviceCount * ROUTES} series, ${serviceCount * ROUTES * 5} streams, ` +
      `an export every ${EXPORT_INTERVAL_MILLIS / 1000} s each`,
  );
  await sendForAMinute(services, url);
  for (let minute = 1; minute <= minutes; minute += 1) {
    const [writes, before] = [(await sqlWork(connection)).writeStatements, requests()];
    memory.begin();
    await sendForAMinute(services, url);
    console.log(
      `minute ${minute}: ${requests() - before} HTTP requests in the metrics; SQL: ` +
        `${(await sqlWork(connection)).writeStatements - writes} statements that write; ` +
        `Redis: at most ${megabytes(memory.mostBytes)} MB used, ${megabytes(memory.startBytes)} MB of it when empty`,
    );
  }
}

/** Every service sends twelve times; who is refused ends the bench. */
async function sendForAMinute(services: readonly ServiceMetrics[], url: string): Promise<void> {
  const end = Date.now() + 60_000;
  for (let next = Date.now(); next < end; next += EXPORT_INTERVAL_MILLIS) {
    await new Promise((resolve) => setTimeout(resolve, Math.max(0, next - Date.now())));
    for (const service of services) {
      const body = gzipSync(service.export(Date.now()));
      const headers = { "content-type": "application/x-protobuf", "content-encoding": "gzip" };
      const response = await fetch(url, { method: "POST", headers, body });
      if (response.status !== 200) throw new Error(`answered ${response.status}: ${await response.text()}`);
      await response.arrayBuffer();
    }
  }
  await new Promise((resolve) => setTimeout(resolve, Math.max(0, end - Date.now())));
}

function megabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(1);
}

function positive(name: string, text: string): number {
  if (!/^[1-9]\d*$/.test(text)) {
    console.error(`--${name}: expected a whole number above 0 (got ${text})`);
    process.exit(2);
  }
  return Number(text);
}

const directory = mkdtempSync(join(tmpdir(), "otel-bandwidth-cost-"));
try {
  await run(directory);
} finally {
  for (const server of running.toReversed()) await server.stop();
  rmSync(directory, { recursive: true, force: true });
}
