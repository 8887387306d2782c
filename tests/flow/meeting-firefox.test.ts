/**
 * The same calls in a real Firefox, whose reports have another shape: transports that count nothing, pairs without packets,
 * no server of a relay. From `getStats()` to SQL, direct and through a real coturn.
 */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Firefox, startFirefox } from "../support/firefox.ts";
import { PRICES } from "../support/meeting-receiver.ts";
import { type EndedCall, MeetingWorld } from "../support/meeting-world.ts";

const SECONDS = Number(process.env["MEETING_SECONDS"] ?? 14);
const VIDEO = { width: 320, height: 180 };
/** Firefox relays in indications (RFC 8656 section 11): header, address, data header and mean padding of a packet. */
const INDICATION_BYTES = 38;

let browser: Firefox;
let world: MeetingWorld;
const calls = new Map<string, EndedCall>();

beforeAll(
  async () => {
    [browser, world] = await Promise.all([startFirefox(), MeetingWorld.start()]);
    const held = await Promise.all([
      world.hold(browser, { meeting: "direct", video: VIDEO, seconds: SECONDS }),
      world.hold(browser, { meeting: "udp", relay: "udp", video: VIDEO, seconds: SECONDS }),
      world.hold(browser, { meeting: "tcp", relay: "tcp", video: VIDEO, seconds: SECONDS }),
    ]);
    for (const call of held) calls.set(call.meeting, call);
    await world.settle();
  },
  (SECONDS + 150) * 1_000,
);

afterAll(async () => {
  await browser?.close();
  await world?.end();
});

describe("a call in Firefox", () => {
  it.each([
    ["direct", "false undefined"],
    ["udp", "true udp"],
    ["tcp", "true tcp"],
  ])("%s is known as relayed or not from its first sample on, for the participant who is", (name, expected) => {
    const { samples } = calls.get(name)!;
    const states = (of: "caller" | "callee"): Set<string> =>
      new Set(samples[of].flatMap(({ relayed, protocol }) => (relayed === undefined ? [] : `${relayed} ${protocol}`)));
    expect(states("caller")).toEqual(new Set([expected]));
    expect(states("callee")).toEqual(new Set(["false undefined"]));
  });

  it.each(["direct", "udp", "tcp"])("%s is in SQL to the byte, and as relayed for whom it is", (name) => {
    const call = calls.get(name)!;
    for (const participant of ["caller", "callee"] as const) {
      const totals = world.totals(call, participant);
      const { before, after } = call.counts[participant];
      expect(totals.bytesIn).toBeGreaterThanOrEqual(before.bytesReceived);
      expect(totals.bytesIn).toBeLessThanOrEqual(after.bytesReceived);
      expect(totals.bytesOut).toBeGreaterThanOrEqual(before.bytesSent);
      expect(totals.bytesOut).toBeLessThanOrEqual(after.bytesSent);
      expect(totals.relayBytes).toBe(
        participant === "caller" && name !== "direct" ? totals.bytesIn + totals.bytesOut : 0,
      );
      expect(totals.wireBytesIn).toBeGreaterThan(totals.bytesIn);
      expect(totals.packetsIn).toBeGreaterThan(100);
    }
  });

  it.each(["udp", "tcp"])(
    "over %s has the bytes that coturn counted, less what indications add, to a twentieth",
    (name) => {
      const call = calls.get(name)!;
      const { receivedBytes, sentBytes, receivedPackets, sentPackets } = call.usage;
      const { relayBytes } = world.totals(call, "caller");
      // Firefox counts no packets and no checks: those of coturn stand for them. What each side adds to an indication differs.
      const ratio = (relayBytes + INDICATION_BYTES * (receivedPackets + sentPackets)) / (receivedBytes + sentBytes);
      expect(ratio).toBeGreaterThan(0.95);
      expect(ratio).toBeLessThan(1.01);
    },
  );

  it("is priced by the second and the byte, for the relayed participant alone", () => {
    const call = calls.get("udp")!;
    const { relaySeconds, relayBytes, relayCostNanos } = world.totals(call, "caller");
    const known = call.samples.caller.find(({ relayed }) => relayed === true)!.atMillis;
    expect(Math.abs(relaySeconds - (call.endedAtMillis - known) / 1_000)).toBeLessThan(2);
    const price = (relaySeconds * PRICES.turnCostPerUserHour) / 3_600 + (relayBytes * PRICES.turnCostPerGigabyte) / 1e9;
    expect(relayCostNanos / 1e9).toBeCloseTo(price, 6);
    expect(world.totals(call, "callee")).toMatchObject({ relaySeconds: 0, relayBytes: 0, relayCostNanos: 0 });
  });

  it("has round trips, a quality and at most 6 events and 4 KB a minute", () => {
    const call = calls.get("direct")!;
    expect(world.totals(call, "caller").roundTrips.length).toBeGreaterThan(0);
    expect(call.samples.caller.some(({ level }) => level !== "unknown")).toBe(true);
    const { events, bytes } = call.tap.traffic(call.tokens.caller, call.connectedAtMillis, call.endedAtMillis);
    expect((bytes / events) * 6).toBeLessThanOrEqual(4_096 * 1.2);
  });
});
