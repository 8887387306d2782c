/** What the panels of the dashboards cost a MariaDB: every query over a day of minutes of 100 series, each of them answered once. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { migrateUp } from "../src/rollup/migrate.ts";
import { mysqlMigrationDatabase } from "../src/rollup/mysql-migration-database.ts";
import { MysqlRollupStore } from "../src/rollup/mysql-rollup-store.ts";
import { DASHBOARDS } from "../tests/grafana/generated-files.ts";
import { connectAsGrafana, OpenDashboard, queryRows } from "../tests/grafana/open-dashboard.ts";
import { httpSeries, type SeededMinute, SeededTotals, webrtcSeries } from "../tests/support/seeded-totals.ts";
import { processCost } from "./cpu-seconds.ts";
import { startMariadb } from "./databases.ts";

const DAY = 86_400;
const SERVICES = 10;
const ROUTES = 8;
const PARTICIPANTS = 20;
const SAMPLES_A_MINUTE = 100;

/** Runs the bench and prints each panel's time and the server's CPU time; false when one took a second or more of CPU. */
export async function benchDashboards(): Promise<boolean> {
  const directory = mkdtempSync(join(tmpdir(), "bench-dashboards-"));
  const server = await startMariadb(directory);
  try {
    const now = Math.floor(Date.now() / 60_000) * 60;
    await fill(server.url, now);
    return await measure(server.url, server.pid, now);
  } finally {
    await server.stop();
    rmSync(directory, { recursive: true, force: true });
  }
}

async function fill(url: string, now: number): Promise<void> {
  await migrateUp(mysqlMigrationDatabase({ url }), now - DAY);
  const store = new MysqlRollupStore({ url });
  await store.maintain(now, now);
  const totals = new SeededTotals(store);
  for (let at = now - DAY; at < now; at += 1800) {
    const minutes = Array.from({ length: 30 }, (_, index) => minuteAt(at + index * 60)).flat();
    await totals.add(minutes, Math.min(now, at + 1800));
  }
  await store.close();
}

/** A minute of all series: 80 of HTTP, 20 of WebRTC. */
function minuteAt(atSeconds: number): SeededMinute[] {
  const http = Array.from({ length: SERVICES * ROUTES }, (_, index) => ({
    dimensions: httpSeries(`service-${index % SERVICES}`, `/route/${Math.floor(index / SERVICES)}`),
    atSeconds,
    latencies: durations(0.05),
    values: { request_body_count: SAMPLES_A_MINUTE, bytes_in: 10_000, bytes_out: 500_000 },
  }));
  const webrtc = Array.from({ length: PARTICIPANTS }, (_, index) => ({
    dimensions: webrtcSeries(`meeting-${index % 4}`, `participant-${index}`),
    atSeconds,
    latencies: durations(0.04),
    values: {
      connected_seconds: 60_000,
      bytes_in: 1e6,
      bytes_out: 1e6,
      quality_good_seconds: 60_000,
      packets_in: 3000,
    },
  }));
  return [...http, ...webrtc];
}

/** Spread over a factor of about ten, as of a service that has both fast and slow answers. */
function durations(middleSeconds: number): number[] {
  return Array.from({ length: SAMPLES_A_MINUTE }, () => {
    const normal = Math.sqrt(-2 * Math.log(Math.random() + 1e-12)) * Math.cos(2 * Math.PI * Math.random());
    return middleSeconds * Math.exp(0.6 * normal);
  });
}

async function measure(url: string, pid: number, now: number): Promise<boolean> {
  const connection = await connectAsGrafana(url);
  let slowest = 0;
  for (const dashboard of DASHBOARDS) {
    const before = processCost(pid).cpuSeconds;
    const opened = await OpenDashboard.open(dashboard, connection, { from: now - DAY, to: now });
    console.log(`${dashboard.title}: variables ${millis(processCost(pid).cpuSeconds - before)} of CPU`);
    for (const panel of dashboard.panels) {
      for (const target of panel.targets ?? []) {
        const [start, cpu] = [performance.now(), processCost(pid).cpuSeconds];
        const rows = await queryRows(connection, opened.sql(target));
        const [wall, used] = [(performance.now() - start) / 1000, processCost(pid).cpuSeconds - cpu];
        slowest = Math.max(slowest, used);
        console.log(`  ${panel.title.padEnd(36)} ${millis(wall)}, CPU ${millis(used)}, ${rows.length} rows`);
      }
    }
  }
  await connection.end();
  console.log(`the slowest took ${millis(slowest)} of the server's CPU`);
  return slowest < 1;
}

function millis(seconds: number): string {
  return `${Math.round(seconds * 1000)} ms`.padStart(7);
}
