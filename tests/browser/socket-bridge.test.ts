/** The connection to a bridge that takes it and ends it again, as it does with one too many of a participant. */
import { createServer, type Server as HttpServer } from "node:http";
import type { AddressInfo } from "node:net";
import { Server as SocketServer } from "socket.io";
import { afterEach, beforeEach, expect, it } from "vitest";
import type { BridgeConnection } from "../../src/browser/bridge-connection.ts";
import { LONGEST_DELAY_MILLIS } from "../../src/browser/retry-delay.ts";
import { connectSocketBridge } from "../../src/browser/socket-bridge.ts";
import type { Timer } from "../../src/model/clock.ts";
import { FakeClock } from "../support/fake-clock.ts";

/** Knows how long was waited between two tries. */
class WaitingClock extends FakeClock {
  readonly waits: number[] = [];

  override after(delayMillis: number, callback: () => void): Timer {
    if (delayMillis < LONGEST_DELAY_MILLIS) this.waits.push(delayMillis);
    return super.after(delayMillis, callback);
  }
}

let http: HttpServer;
let sockets: SocketServer;
let bridge: BridgeConnection;
let clock: WaitingClock;
let evicts: boolean;

beforeEach(async () => {
  evicts = true;
  http = createServer();
  sockets = new SocketServer(http, { transports: ["websocket"], serveClient: false });
  sockets.of("/webrtc").on("connection", (socket) => {
    if (evicts) socket.disconnect(true);
  });
  await new Promise<void>((resolve) => void http.listen(0, "127.0.0.1", resolve));
  clock = new WaitingClock(0);
  bridge = connectSocketBridge(`http://127.0.0.1:${(http.address() as AddressInfo).port}`, {
    clock,
    random: () => 1,
    token: async () => "token",
    onConfig: () => undefined,
  });
});
afterEach(async () => {
  bridge.close();
  await sockets.close();
});

async function evicted(times: number): Promise<void> {
  await expect.poll(() => clock.waits.length, { timeout: 10_000, interval: 5 }).toBe(times);
}

async function connected(): Promise<void> {
  await expect.poll(() => bridge.isConnected(), { timeout: 10_000, interval: 5 }).toBe(true);
}

it("waits ever longer when each connection is ended at once, until one has lasted", async () => {
  for (const [times, wait] of [1_000, 2_000, 4_000].entries()) {
    await evicted(times + 1);
    await clock.advance(wait);
  }
  await evicted(4);
  evicts = false;
  await clock.advance(8_000);
  await connected();
  await clock.advance(29_000);
  sockets.of("/webrtc").disconnectSockets(true);
  await evicted(5);
  await clock.advance(16_000);
  await connected();
  await clock.advance(30_000);
  sockets.of("/webrtc").disconnectSockets(true);
  await evicted(6);
  expect(clock.waits).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 1_000]);
});
