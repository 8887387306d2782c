/** Browsers end to end: what a page's own exporter sends over the bridge is in the totals under the token's identity. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createReceiver, type Receiver } from "../../src/app/receiver.ts";
import { PageMetrics } from "../../src/browser/page-metrics.ts";
import { openSqliteRollupStore } from "../../src/rollup/sqlite-rollup-store.ts";
import { bridgeSocket, connected, nextEvent, sendMetrics } from "../support/bridge-client.ts";
import { valueOf } from "../support/log-entries.ts";

const MINUTE = 60_000;
let folder: string;
let receiver: Receiver;
let origin: string;
let token: string;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "otel-bandwidth-bridge-"));
  receiver = createReceiver({ environment: {}, dataDirectory: folder, otlpPort: 0, bridgePort: 0 });
  origin = `http://127.0.0.1:${(await receiver.start()).bridgePort}`;
  token = (await receiver.trialAccess())!.participantToken;
});
afterEach(async () => {
  await receiver.stop();
  rmSync(folder, { recursive: true, force: true });
});

interface StoredRow {
  readonly meeting: string;
  readonly participant: string;
  readonly bucketMillis: number;
  readonly bytesIn: bigint;
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
    relayBytes: BigInt(values["relay_bytes"]!),
  }));
  await store.close();
  return stored;
}

describe("a page", () => {
  it("is in the totals under the identity of its token, whatever it says of itself, and told its config", async () => {
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
    await expect(connected(bridgeSocket(origin, "/webrtc", "nonsense"))).rejects.toMatchObject({
      message: "the token is not valid",
      data: { code: "unauthenticated", retryable: false },
    });
  });
});
