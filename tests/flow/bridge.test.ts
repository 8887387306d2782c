/** Browsers end to end: what a page's own exporter sends over the bridge is in the totals under the token's identity. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { createReceiver, type Receiver, type ReceiverOptions } from "../../src/app/receiver.ts";
import { PageMetrics } from "../../src/browser/page-metrics.ts";
import { TokenKeys } from "../../src/bridge/token-keys.ts";
import { systemClock } from "../../src/model/clock.ts";
import { openSqliteRollupStore } from "../../src/rollup/sqlite-rollup-store.ts";
import { MeetingSite } from "../browser/meeting-site.ts";
import { type BridgeAnswer, bridgeSocket, connected, nextEvent, sendMetrics } from "../support/bridge-client.ts";
import { startChromium } from "../support/chromium.ts";
import { valueOf } from "../support/log-entries.ts";
import { startMariadb } from "../support/mariadb-server.ts";
import { otlpRequest } from "../support/otlp-request.ts";
import { startRedisServer } from "../support/redis-server.ts";
import { nowNanos, postMetric } from "../support/send-metrics.ts";

const MINUTE = 60_000;
let folder: string;
let receiver: Receiver;
let origin: string;
let token: string;
let adminToken: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "otel-bandwidth-bridge-"));
});
afterEach(async () => {
  await receiver.stop();
  rmSync(folder, { recursive: true, force: true });
});

async function start(options: ReceiverOptions = {}): Promise<void> {
  receiver = createReceiver({ environment: {}, dataDirectory: folder, otlpPort: 0, bridgePort: 0, ...options });
  origin = `http://127.0.0.1:${(await receiver.start()).bridgePort}`;
  ({ participantToken: token, adminToken } = (await receiver.trialAccess())!);
}

interface StoredRow {
  readonly meeting: string;
  readonly participant: string;
  readonly bucketMillis: number;
  readonly bytesIn: bigint;
  readonly bytesOut: bigint;
  readonly relayBytes: bigint;
}

/** What is in the totals; the receiver must have stopped. */
async function storedRows(): Promise<StoredRow[]> {
  const store = valueOf(openSqliteRollupStore({ file: join(folder, "bandwidth.db") }));
  const rows = valueOf(await store.rows("minute", 0, Number.MAX_SAFE_INTEGER));
  const stored = rows.map(({ dimensions, bucketStart, values }) => ({
    meeting: dimensions.meetingId,
    participant: dimensions.participantId,
    bucketMillis: bucketStart * 1000,
    bytesIn: BigInt(values["bytes_in"]!),
    bytesOut: BigInt(values["bytes_out"]!),
    relayBytes: BigInt(values["relay_bytes"]!),
  }));
  await store.close();
  return stored;
}

function packets(value: number): Buffer {
  const attributes = { "network.io.direction": "receive" };
  const point = { attributes, start: 1n, time: 2n, value: BigInt(value) };
  return Buffer.from(otlpRequest([{ metrics: [{ name: "webrtc.packets", unit: "{packet}", sum: [point] }] }]));
}

describe("a page", () => {
  it("is in the totals under the identity of its token, whatever it says of itself, and told its config", async () => {
    await start();
    const metrics = new PageMetrics({
      "service.name": "meeting-app",
      "service.instance.id": "page-1",
      "webrtc.meeting.id": "somebody else's",
      "webrtc.participant.id": "somebody else",
    });
    const socket = bridgeSocket(origin, "/webrtc", token);
    expect(await nextEvent(socket, "config")).toEqual({
      enabled: true,
      statsIntervalMillis: 1000,
      emitThrottleMillis: 10_000,
      worker: true,
    });
    const before = Date.now();
    const attributes = { "network.io.direction": "receive", "webrtc.relay": true };
    metrics.add("webrtc.io", 1000, attributes);
    expect(await sendMetrics(socket, (await metrics.collect())!.body)).toEqual({ ok: true });
    metrics.add("webrtc.io", 500, attributes);
    expect(await sendMetrics(socket, gzipSync((await metrics.collect())!.body))).toEqual({ ok: true });
    const after = Date.now();
    socket.disconnect();
    await receiver.stop();
    const rows = await storedRows();
    expect(new Set(rows.map(({ meeting, participant }) => `${meeting}/${participant}`))).toEqual(
      new Set(["trial/you"]),
    );
    expect(rows.reduce((sum, { bytesIn }) => sum + bytesIn, 0n)).toBe(1500n);
    expect(rows.reduce((sum, { relayBytes }) => sum + relayBytes, 0n)).toBe(1500n);
    for (const { bucketMillis } of rows) {
      expect(bucketMillis).toBeGreaterThanOrEqual(before - MINUTE);
      expect(bucketMillis).toBeLessThanOrEqual(after);
    }
  });

  it("is refused without a valid token", async () => {
    await start();
    await expect(connected(bridgeSocket(origin, "/webrtc", "nonsense"))).rejects.toMatchObject({
      message: "the token is not valid",
      data: { code: "unauthenticated", retryable: false },
    });
  });

  it("may send again what the log has no room for, and is refused for good what is a bomb or of no use", async () => {
    // Nothing is folded for an hour: the log fills up.
    await start({ bufferEntries: 2, processIntervalMillis: 60_000, persistIntervalMillis: 3_600_000 });
    const socket = bridgeSocket(origin, "/webrtc", token);
    const answers: BridgeAnswer[] = [];
    for (let value = 1; value <= 20 && answers.at(-1)?.error === undefined; value++) {
      answers.push(await sendMetrics(socket, packets(value)));
    }
    expect(answers.length).toBeLessThan(20);
    expect(answers.at(-1)).toEqual({ error: "the log holds its 2 entries", retryable: true });
    expect(await sendMetrics(socket, gzipSync(Buffer.alloc(50_000_000)))).toEqual({
      error: "the inflated body is larger than 131072 bytes",
      retryable: false,
    });
    expect(await sendMetrics(socket, Buffer.from("nonsense"))).toMatchObject({ retryable: false });
    socket.disconnect();
  });

  it("is told to rest, and not taken in, where METRICS_ENABLED is false", async () => {
    await start({ metricsEnabled: false });
    const socket = bridgeSocket(origin, "/webrtc", token);
    expect(await nextEvent(socket, "config")).toMatchObject({ enabled: false });
    expect(await sendMetrics(socket, packets(1))).toEqual({ error: "METRICS_ENABLED is false", retryable: true });
    socket.disconnect();
  });
});

describe("a call in a real Chromium", () => {
  it("is in the totals to the byte", { timeout: 120_000 }, async () => {
    const site = await MeetingSite.start({});
    await start({ bridgeOrigins: [site.url] });
    const browser = await startChromium();
    const page = await browser.newPage();
    await page.goto(site.url);
    await page.waitForFunction("window.ready");
    const run = (script: string): Promise<unknown> => page.evaluate(`(async () => { ${script} })()`);
    await run(`
      window.samples = [];
      window.monitor = monitorPeerConnections({ url: ${JSON.stringify(origin)}, token: ${JSON.stringify(token)},
        observe: "all", onSample: (sample) => samples.push(sample) });
      window.connections = await startCall();`);
    await page.waitForFunction("samples.filter(({ bitsPerSecond }) => bitsPerSecond.transmit > 0).length >= 4");
    const [before, after] = (await run(`
      const count = async () => (await bytesOf(connections[0])) + (await bytesOf(connections[1]));
      const before = await count();
      await monitor.stop();
      return [before, await count()];`)) as [number, number];
    await browser.close();
    await site.close();
    await receiver.stop();
    const rows = await storedRows();
    const stored = Number(rows.reduce((sum, { bytesIn, bytesOut }) => sum + bytesIn + bytesOut, 0n));
    expect(stored).toBeGreaterThanOrEqual(before);
    expect(stored).toBeLessThanOrEqual(after);
    expect(new Set(rows.map(({ meeting, participant }) => `${meeting}/${participant}`))).toEqual(
      new Set(["trial/you"]),
    );
  });
});

describe("an admin", () => {
  it("is sent what GET /api/live shows", async () => {
    await start({ webrtcBroadcastThrottleMillis: 100 });
    const socket = bridgeSocket(origin, "/admin", adminToken);
    const sent = await nextEvent<{ at: number }>(socket, "live");
    const shown = (await (await fetch(`${origin}/api/live`)).json()) as { at: number };
    expect({ ...sent, at: 0 }).toEqual({ ...shown, at: 0 });
    socket.disconnect();
  });

  it("sees the same figures at every receiver that shares a Redis", { timeout: 60_000 }, async () => {
    const redis = await startRedisServer();
    const options: ReceiverOptions = {
      redisUrl: redis.url,
      bridgeJwtSecret: "a secret of the tests, long enough",
      processIntervalMillis: 100,
      webrtcBroadcastThrottleMillis: 100,
    };
    const sql = await startMariadb();
    const shared = { ...options, mysqlUrl: await sql.createDatabase(), environment: {}, otlpPort: 0, bridgePort: 0 };
    const receivers = [createReceiver(shared), createReceiver(shared)];
    receiver = receivers[0]!;
    const ports = await Promise.all(receivers.map((one) => one.start()));
    const keys = new TokenKeys({ secret: shared.bridgeJwtSecret, clock: systemClock });
    const admin = await keys.issue({ role: "admin", expiresInSeconds: 60 });
    const views = ports.map(() => undefined as { http: { requestsPerSecond: number } } | undefined);
    const sockets = ports.map(({ bridgePort }, index) => {
      const socket = bridgeSocket(`http://127.0.0.1:${bridgePort}`, "/admin", admin);
      return socket.on("live", (view: (typeof views)[0]) => (views[index] = view));
    });
    const began = nowNanos() - 1_000_000_000n;
    const seen = async (): Promise<void> => {
      const point = { start: began, time: nowNanos(), count: BigInt(Date.now() - Number(began / 1_000_000n)), sum: 1 };
      const metric = { name: "http.server.request.body.size", unit: "By", histogram: [point] };
      await postMetric(`http://127.0.0.1:${ports[0]!.otlpPort}`, metric);
      expect(views[0]?.http.requestsPerSecond).toBeGreaterThan(0);
      expect(views[1]?.http).toEqual(views[0]?.http);
    };
    await vi.waitFor(seen, { timeout: 20_000, interval: 500 });
    for (const socket of sockets) socket.disconnect();
    await Promise.all(receivers.map((one) => one.stop()));
    await Promise.all([redis.remove(), sql.stop()]);
  });
});
