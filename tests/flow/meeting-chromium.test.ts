/**
 * Calls of a real Chromium, direct and through a real coturn, from `getStats()` to SQL: what is stored is held against what the
 * browser, the TURN server and the network that was put in between have counted.
 *
 * As short as the figures allow. Longer by MEETING_SECONDS (default 34) and MEETING_OFFLINE_SECONDS (default 12; five minutes
 * are 300). MEETING_FIGURES=1 prints what was measured.
 */
import { inspect } from "node:util";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { SeenSample } from "../support/call-page.ts";
import { startChromium } from "../support/chromium.ts";
import { PRICES } from "../support/meeting-receiver.ts";
import { type EndedCall, MeetingWorld, passed } from "../support/meeting-world.ts";
import type { WebsocketTap } from "../support/websocket-tap.ts";
import { udpOverruns } from "../support/udp-overruns.ts";
import { startUdpProxy, type UdpProxy } from "../support/udp-proxy.ts";

const SECONDS = Number(process.env["MEETING_SECONDS"] ?? 34);
const OFFLINE_SECONDS = Number(process.env["MEETING_OFFLINE_SECONDS"] ?? 12);

const SMALL = { width: 320, height: 180 };
/** So many that what it takes to set up a relay is far below a hundredth. */
const ENOUGH_PACKETS = 2_000;
/** So many that chance alone leaves 4 to 6 % in fewer than one of 10^4 runs: 3.9 standard deviations are a point. */
const LOSSY_PACKETS = 7_300;
/** One way. */
const DELAY_MILLIS = 50;
const LOSS_RATIO = 0.05;
/** Peers report on what they hear every 2.5 to 7.5 s (RFC 3550 section 6.3), and Chromium no longer 8 s after the last packet. */
const LAST_REPORT_SECONDS = 8;
const BAD_LOSS_RATIO = 0.35;
const SEED = 1;

let browser: Browser;
let world: MeetingWorld;
let delaying: UdpProxy;
let losing: UdpProxy;
let worsening: UdpProxy;
const calls = new Map<string, EndedCall>();
/** When the network of the worsening call turned bad. */
let worsenedAtMillis = 0;
/** Datagrams that the machine lost while the losing call was held: 0 on an idle one. */
let overruns = 0;

function callNamed(name: string): EndedCall {
  const call = calls.get(name);
  if (call === undefined) throw new Error(`no call ${name}`);
  return call;
}

beforeAll(
  async () => {
    [browser, world] = await Promise.all([startChromium(), MeetingWorld.start()]);
    const { port } = world.turn;
    [delaying, losing, worsening] = await Promise.all([
      startUdpProxy(port, SEED, { delayMillis: DELAY_MILLIS }),
      startUdpProxy(port, SEED, { lossRatio: LOSS_RATIO }),
      startUdpProxy(port, SEED),
    ]);
    // First and alone: what else a machine is busy with would be in their round trips and losses.
    const overrunsBefore = udpOverruns();
    const quiet = await Promise.all([
      world.hold(browser, { meeting: "delayed", relay: "udp", proxyPort: delaying.port, seconds: 18 }),
      world.hold(browser, {
        meeting: "losing",
        relay: "udp",
        proxyPort: losing.port,
        microphones: 4,
        seconds: 10,
        packets: LOSSY_PACKETS + 2_000,
        silentSeconds: LAST_REPORT_SECONDS,
      }),
    ]);
    overruns = udpOverruns() - overrunsBefore;
    const held = await Promise.all([
      world.hold(browser, { meeting: "udp", relay: "udp", video: SMALL, seconds: SECONDS, packets: ENOUGH_PACKETS }),
      world.hold(browser, { meeting: "tcp", relay: "tcp", video: SMALL, seconds: 10, packets: ENOUGH_PACKETS }),
      world.hold(browser, {
        meeting: "worsening",
        relay: "udp",
        proxyPort: worsening.port,
        seconds: SECONDS,
        async meanwhile() {
          await passed(12);
          worsening.impair({ lossRatio: BAD_LOSS_RATIO });
          worsenedAtMillis = Date.now();
        },
      }),
      world.hold(browser, {
        meeting: "direct",
        seconds: 8,
        async meanwhile(_call, tap, tokens) {
          await passed(8);
          tap.cut();
          await passed(OFFLINE_SECONDS);
          tap.restore();
          await Promise.all(Object.values(tokens).map((token) => heardOf(tap, token)));
        },
      }),
    ]);
    for (const call of [...quiet, ...held]) calls.set(call.meeting, call);
    await world.settle();
  },
  (SECONDS + OFFLINE_SECONDS + 150) * 1_000,
);

afterAll(async () => {
  if (process.env["MEETING_FIGURES"] !== undefined) {
    for (const call of calls.values()) process.stdout.write(`${inspect(figuresOf(call), { depth: 4 })}\n`);
  }
  await browser?.close();
  await world?.end();
  await Promise.all([delaying, losing, worsening].map((proxy) => proxy?.close()));
});

/** Resolves when a participant has been heard of again. */
async function heardOf(tap: WebsocketTap, token: string): Promise<void> {
  const restoredAt = Date.now();
  // The longest wait before a page tries again is 30 s.
  while (!tap.eventTimes(token).some((at) => at > restoredAt) && Date.now() < restoredAt + 45_000) await passed(0.2);
}

function figuresOf(call: EndedCall): Record<string, unknown> {
  const totals = world.totals(call, "caller");
  const { packets, stunMessages } = call.counts.caller.after;
  const counted = call.usage.receivedBytes + call.usage.sentBytes;
  const from = call.connectedAtMillis + 10_000;
  return {
    meeting: call.meeting,
    relayBytesOfCoturn: totals.relayBytes / counted,
    withPacketsAndChecks: (totals.relayBytes + 4 * packets + 92 * stunMessages) / counted,
    roundTripMillis: { sql: lowerQuartile(totals.roundTrips) * 1_000, proxy: lowerQuartile(delaying.roundTripMillis) },
    overruns,
    loss: { in: totals.packetsLostIn, out: totals.packetsLostOut, of: [totals.packetsIn, totals.packetsOut] },
    relaySeconds: totals.relaySeconds,
    heldSeconds: (call.endedAtMillis - call.connectedAtMillis) / 1_000,
    cost: totals.relayCostNanos / 1e9,
    traffic: call.tap.traffic(call.tokens.caller, from, from + 30_000),
    levels: levelChanges(call.samples.caller).map(({ atMillis, level }) => [atMillis - call.connectedAtMillis, level]),
    events: call.tap.eventTimes(call.tokens.caller).map((at) => at - call.connectedAtMillis),
  };
}

function relayStates(samples: readonly SeenSample[]): Set<string> {
  return new Set(samples.flatMap(({ relayed, protocol }) => (relayed === undefined ? [] : `${relayed} ${protocol}`)));
}

function lowerQuartile(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 4)]!;
}

describe("a call in Chromium", () => {
  it.each([
    ["direct", "false undefined"],
    ["udp", "true udp"],
    ["tcp", "true tcp"],
    ["delayed", "true udp"],
    ["losing", "true udp"],
    ["worsening", "true udp"],
  ])("%s is known as relayed or not from its first sample on, for the participant who is", (name, expected) => {
    const { samples } = callNamed(name);
    expect(relayStates(samples.caller)).toEqual(new Set([expected]));
    expect(relayStates(samples.callee)).toEqual(new Set(["false undefined"]));
  });

  it.each(["direct", "udp", "tcp", "delayed", "losing", "worsening"])(
    "%s is in SQL to the byte, and as relayed for whom it is",
    (name) => {
      const call = callNamed(name);
      for (const participant of ["caller", "callee"] as const) {
        const totals = world.totals(call, participant);
        const { before, after } = call.counts[participant];
        expect(totals.bytesIn).toBeGreaterThanOrEqual(before.bytesReceived);
        expect(totals.bytesIn).toBeLessThanOrEqual(after.bytesReceived);
        expect(totals.bytesOut).toBeGreaterThanOrEqual(before.bytesSent);
        expect(totals.bytesOut).toBeLessThanOrEqual(after.bytesSent);
        const isRelayed = participant === "caller" && name !== "direct";
        expect(totals.relayBytes).toBe(isRelayed ? totals.bytesIn + totals.bytesOut : 0);
      }
    },
  );

  it.each([
    ["udp", 4],
    // Over TCP a packet is padded to a multiple of four: 1.5 on average.
    ["tcp", 5.5],
  ])("over %s has the bytes that coturn counted, to a hundredth, with %d for each packet", (name, framing) => {
    const call = callNamed(name);
    const { packets, stunMessages } = call.counts.caller.after;
    const { relayBytes } = world.totals(call, "caller");
    const counted = call.usage.receivedBytes + call.usage.sentBytes;
    expect(counted).toBeGreaterThan(100_000);
    const ratio = (relayBytes + framing * packets + 92 * stunMessages) / counted;
    expect(ratio).toBeGreaterThan(0.99);
    expect(ratio).toBeLessThan(1.01);
  });

  it("has the round trips that the network really took, within 5 ms", () => {
    const call = callNamed("delayed");
    const { roundTrips } = world.totals(call, "caller");
    expect(roundTrips.length).toBeGreaterThanOrEqual(5);
    // What a busy machine adds here and there is not what was put in.
    const putIn = lowerQuartile(delaying.roundTripMillis);
    // A timer may be up to a millisecond early, each way.
    expect(putIn).toBeGreaterThanOrEqual(2 * (DELAY_MILLIS - 1));
    expect(Math.abs(lowerQuartile(roundTrips) * 1_000 - putIn)).toBeLessThanOrEqual(5);
  });

  it("has the loss that was put in, to a point, and none but what the machine itself lost", () => {
    // Of each hundred packets exactly five, whatever the machine does.
    expect(losing.lossRatio()).toBeCloseTo(LOSS_RATIO, 2);
    const totals = world.totals(callNamed("losing"), "caller");
    const lost = totals.packetsLostIn + totals.packetsLostOut;
    const expected = totals.packetsIn + totals.packetsLostIn + totals.packetsOut;
    expect(expected).toBeGreaterThan(LOSSY_PACKETS);
    expect(lost / expected).toBeGreaterThan(0.04);
    expect((lost - overruns) / expected).toBeLessThan(0.06);
  });

  it("is priced by the second and the byte, for the relayed participant alone", () => {
    const call = callNamed("udp");
    const { relaySeconds, connectedSeconds, relayBytes, relayCostNanos } = world.totals(call, "caller");
    // From the first report in which the browser names its pair: a busy one takes its time.
    const known = call.samples.caller.find(({ relayed }) => relayed === true)!.atMillis;
    const heldSeconds = (call.endedAtMillis - known) / 1_000;
    expect(relaySeconds).toBe(connectedSeconds);
    expect(Math.abs(relaySeconds - heldSeconds)).toBeLessThan(2);
    const price = (relaySeconds * PRICES.turnCostPerUserHour) / 3_600 + (relayBytes * PRICES.turnCostPerGigabyte) / 1e9;
    expect(relayCostNanos / 1e9).toBeCloseTo(price, 6);
    expect(price).toBeGreaterThan((heldSeconds - 2) / 10_000);
    expect(world.totals(call, "callee")).toMatchObject({ relaySeconds: 0, relayBytes: 0, relayCostNanos: 0 });
  });

  it("sends at most 6 events and 4 KB a minute while it is steady", () => {
    const { tap, tokens, samples, connectedAtMillis, endedAtMillis } = callNamed("udp");
    for (const participant of ["caller", "callee"] as const) {
      // From after the first export, which tells the first level.
      const from = connectedAtMillis + 10_000;
      const windowSeconds = Math.floor((endedAtMillis - from) / 10_000) * 10;
      expect(windowSeconds).toBeGreaterThanOrEqual(20);
      const to = from + windowSeconds * 1_000;
      const { events, bytes } = tap.traffic(tokens[participant], from, to);
      const changes = levelChanges(samples[participant]).filter(({ atMillis }) => atMillis >= from && atMillis < to);
      expect(events).toBeGreaterThan(0);
      expect(events - changes.length).toBeLessThanOrEqual((windowSeconds / 60) * 6);
      // What one costs, frames, acknowledgements and heartbeats included.
      expect((bytes / events) * 6).toBeLessThanOrEqual(4_096);
    }
  });

  it("tells of a change of level within 2 s", () => {
    const { tap, tokens, samples } = callNamed("worsening");
    const change = levelChanges(samples.caller).find(({ atMillis }) => atMillis > worsenedAtMillis);
    expect(change).toBeDefined();
    const told = tap.eventTimes(tokens.caller).find((at) => at >= change!.atMillis - 50);
    expect(told! - change!.atMillis).toBeLessThan(2_000);
  });

  it("is complete also when the bridge could not be reached for a while", () => {
    const { tap, tokens } = callNamed("direct");
    const times = tap.eventTimes(tokens.caller);
    const longestGap = Math.max(...times.slice(1).map((at, index) => at - times[index]!));
    expect(longestGap).toBeGreaterThan(OFFLINE_SECONDS * 1_000);
    // That no byte is missing is said above, of every call.
    const { connectedSeconds } = world.totals(callNamed("direct"), "caller");
    expect(connectedSeconds).toBeGreaterThan(OFFLINE_SECONDS + 7);
  });
});

function levelChanges(samples: readonly SeenSample[]): SeenSample[] {
  return samples.filter(({ level }, index) => index > 0 && level !== samples[index - 1]!.level);
}
