/**
 * Requests that fail, of an app that knows nothing of it, make an alert fire in a receiver, and requests that do not resolve it.
 * The load is real; only the minutes that a rule waits are skipped.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { loadSettings } from "../../src/app/load-settings.ts";
import { type Listening, Pipeline } from "../../src/app/pipeline.ts";
import type { LiveAlert } from "../../src/model/live-alert.ts";
import { openSqliteRollupStore } from "../../src/rollup/sqlite-rollup-store.ts";
import { endRegistered, type RegisteredApp, startRegistered } from "../http/support/registered-app.ts";
import { valueOf } from "../support/log-entries.ts";
import { ShiftedClock } from "../support/shifted-clock.ts";

const RULE = "http-error-ratio";
const POLL = { timeout: 15_000, interval: 50 };

/** Both take three minutes where every one of them is evaluated. */
const MOST_MINUTES = 10;

let folder: string;
let clock: ShiftedClock;
let pipeline: Pipeline;
let listening: Listening;
let app: RegisteredApp;
let messages: string[];

async function open(otlpPort: number): Promise<void> {
  const settings = loadSettings(
    {},
    { dataDirectory: folder, otlpPort, bridgePort: 0, processIntervalMillis: 50, persistIntervalMillis: 100 },
  );
  if (settings.kind === "failure") throw new Error(settings.faults.join("\n"));
  pipeline = valueOf(Pipeline.open(settings.settings, clock, (message) => messages.push(message)));
  listening = valueOf(await pipeline.start());
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "otel-bandwidth-alerts-"));
  clock = new ShiftedClock();
  messages = [];
  await open(0);
  app = await startRegistered("failing-app.mjs", {
    OTEL_SERVICE_NAME: "cart",
    OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${listening.otlpPort}`,
    OTEL_METRIC_EXPORT_INTERVAL: "100",
  });
});
afterAll(async () => {
  await endRegistered(app, (child) => void child.send("stop"));
  await pipeline.stop();
  rmSync(folder, { recursive: true, force: true });
});

async function request(path: string, count: number): Promise<void> {
  for (let sent = 0; sent < count; sent += 20) {
    const answers = Array.from({ length: Math.min(20, count - sent) }, async () => {
      const answer = await fetch(`http://127.0.0.1:${app.port}${path}`);
      await answer.arrayBuffer();
    });
    await Promise.all(answers);
  }
}

async function storedRequests(): Promise<number> {
  const store = valueOf(openSqliteRollupStore({ file: join(folder, "bandwidth.db") }));
  const rows = valueOf(await store.rows("minute", 0, Number.MAX_SAFE_INTEGER));
  await store.close();
  const own = rows.filter(({ dimensions }) => dimensions.side === "server");
  return own.reduce((total, { requests }) => total + Number(requests), 0);
}

async function shown(): Promise<readonly LiveAlert[]> {
  const answer = await fetch(`http://127.0.0.1:${listening.bridgePort}/api/live`);
  const { alerts } = (await answer.json()) as { readonly alerts: readonly LiveAlert[] };
  return alerts.filter(({ rule }) => rule === RULE);
}

/** Skips a minute, and waits until the rules were evaluated after it: there is more in the table, or it is as it was. */
async function skipMinute(): Promise<void> {
  const reads = (): number => pipeline.totals.store.statementCounts().reads;
  clock.jump(60_000);
  const before = reads();
  // An evaluation reads each rule; between two, only the shard's offset is looked at.
  await expect.poll(async () => (await shown(), reads() - before), POLL).toBeGreaterThan(30);
}

/** Skips minutes until the alert is as it should be: in which of them the rules were evaluated is not said. */
async function skipMinutesUntil(state: "firing" | "resolved"): Promise<void> {
  for (let minute = 0; minute < MOST_MINUTES; minute += 1) {
    await skipMinute();
    if ((await shown()).some((alert) => alert.state === state)) return;
  }
}

it("fires, is shown, outlives a restart, and is resolved", { timeout: 120_000 }, async () => {
  await request("/fail", 60);
  await request("/fine", 60);
  await expect.poll(storedRequests, POLL).toBe(120);
  expect(await shown()).toEqual([]);
  await skipMinutesUntil("firing");
  await expect.poll(shown, POLL).toHaveLength(1);
  const [fired] = await shown();
  expect(fired).toMatchObject({
    scope: "service=cart",
    severity: "critical",
    state: "firing",
    value: 0.5,
    threshold: 0.05,
  });
  expect(messages.filter((message) => message.includes(RULE))).toEqual([
    `alert ${RULE} fires (critical), service=cart: 0.5, the limit is 0.05`,
  ]);

  await pipeline.stop();
  await open(listening.otlpPort);
  expect(await shown()).toEqual([fired]);

  await request("/fine", 2000);
  await expect.poll(storedRequests, POLL).toBe(2120);
  await skipMinutesUntil("resolved");
  await expect.poll(shown, POLL).toMatchObject([{ ...fired, state: "resolved", resolvedAt: expect.any(Number) }]);
  expect(messages.at(-1)).toContain(`alert ${RULE} is resolved, service=cart: 0.5`);
});
