import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { EntryHistory, MAX_REMEMBERED } from "../../src/browser/entry-history.ts";
import { makeSnapshot } from "../../src/browser/snapshot.ts";
import type { AnyStatsEntry, StatsEntry } from "../../src/browser/stats-entry.ts";

function transport(bytesSent?: number, id = "T"): StatsEntry<"transport"> {
  return { id, type: "transport", timestamp: 0, ...(bytesSent === undefined ? {} : { bytesSent }) };
}

function inbound(packetsLost: number, packetsReceived = 0, id = "I"): StatsEntry<"inbound-rtp"> {
  return { id, type: "inbound-rtp", timestamp: 0, packetsLost, packetsReceived };
}

function read(history: EntryHistory, ...entries: AnyStatsEntry[]): void {
  history.read(makeSnapshot({ atMillis: 0, entries }));
}

function remember(history: EntryHistory, ...entries: AnyStatsEntry[]): void {
  read(history, ...entries);
  history.remember();
}

describe("the increase of a counter", () => {
  it("is unknown in the first report of a connection", () => {
    expect(new EntryHistory().increase(transport(500), "bytesSent")).toBeUndefined();
  });

  it("is from 0 for a transport that came into being while the connection was followed", () => {
    const history = new EntryHistory();
    remember(history);
    expect(history.increase(transport(500), "bytesSent")).toBe(500);
  });

  it("is from 0 for a stream that came, beside all that was there before", () => {
    const history = new EntryHistory();
    remember(history, inbound(0, 700));
    read(history, inbound(0, 800), inbound(3, 500, "J"));
    expect(history.increase(inbound(3, 500, "J"), "packetsReceived")).toBe(500);
    expect(history.lost(inbound(3, 500, "J"))).toEqual({ change: 3, counted: 3 });
  });

  it("is unknown for a stream that came when one of its kind went, now or earlier: its id may be new and its count old", () => {
    const history = new EntryHistory();
    remember(history, inbound(0, 450));
    read(history, inbound(3, 500, "J"));
    expect(history.increase(inbound(3, 500, "J"), "packetsReceived")).toBeUndefined();
    expect(history.lost(inbound(3, 500, "J"))).toBeUndefined();
    remember(history);
    read(history, inbound(3, 500, "J"));
    expect(history.increase(inbound(3, 500, "J"), "packetsReceived")).toBeUndefined();
  });

  it("is unknown for a stream that came after something was forgotten", () => {
    const history = new EntryHistory();
    remember(history, ...Array.from({ length: MAX_REMEMBERED + 1 }, (_, index) => transport(1, `T${index}`)));
    read(history, inbound(3, 500));
    expect(history.increase(inbound(3, 500), "packetsReceived")).toBeUndefined();
  });

  it("is unknown for every counter of an object when one of them went down", () => {
    const history = new EntryHistory();
    remember(history, { ...transport(500), bytesReceived: 10 });
    expect(history.increase({ ...transport(20), bytesReceived: 900 }, "bytesReceived")).toBeUndefined();
  });

  it("is unknown, not 0, when the browser does not tell", () => {
    const history = new EntryHistory();
    remember(history, transport());
    expect(history.increase(transport(), "bytesSent")).toBeUndefined();
    expect(history.increase(transport(5), "bytesSent")).toBeUndefined();
  });

  it("adds up to the whole rise, whatever reports an object is missing from", () => {
    const tick = fc.record({ rise: fc.nat(1_000_000), seen: fc.boolean() });
    fc.assert(
      fc.property(fc.array(tick, { minLength: 1, maxLength: 50 }), (ticks) => {
        const history = new EntryHistory();
        remember(history);
        let [value, lastSeen, total] = [0, 0, 0];
        for (const { rise, seen } of ticks) {
          value += rise;
          if (seen) {
            total += history.increase(transport(value), "bytesSent") ?? 0;
            lastSeen = value;
          }
          remember(history, ...(seen ? [transport(value)] : []));
        }
        expect(total).toBe(lastSeen);
      }),
    );
  });

  it("never counts more than a restarting object counted, and is never negative", () => {
    fc.assert(
      fc.property(fc.array(fc.nat(1_000), { minLength: 2, maxLength: 50 }), (values) => {
        const history = new EntryHistory();
        let total = 0;
        let most = 0;
        for (const [index, value] of values.entries()) {
          const increase = history.increase(transport(value), "bytesSent");
          if (increase !== undefined) expect(increase).toBeGreaterThanOrEqual(0);
          total += increase ?? 0;
          most += Math.max(0, value - (values[index - 1] ?? 0));
          remember(history, transport(value));
        }
        expect(total).toBeLessThanOrEqual(most);
      }),
    );
  });
});

describe("lost packets", () => {
  it("count up to the most ever lost, however late packets take losses back", () => {
    const losses = fc.array(fc.integer({ min: -50, max: 50 }), { minLength: 1, maxLength: 40 });
    fc.assert(
      fc.property(losses, (changes) => {
        const history = new EntryHistory();
        remember(history, inbound(0));
        let [lost, most, counted] = [0, 0, 0];
        for (const [index, change] of changes.entries()) {
          lost += change;
          most = Math.max(most, lost);
          const entry = inbound(lost, index);
          const news = history.lost(entry)!;
          expect(news.change).toBe(change);
          counted += news.counted;
          remember(history, entry);
        }
        expect(counted).toBe(most);
      }),
    );
  });

  it("are unknown after a stream restarted", () => {
    const history = new EntryHistory();
    remember(history, inbound(100, 1_000));
    expect(history.lost(inbound(3, 10))).toBeUndefined();
    remember(history, inbound(3, 10));
    expect(history.lost(inbound(5, 20))).toEqual({ change: 2, counted: 2 });
  });
});

describe("the memory of a history", () => {
  it("is bounded, and keeps what was seen last", () => {
    const history = new EntryHistory();
    for (let index = 0; index <= MAX_REMEMBERED; index += 1) remember(history, transport(1, `T${index}`));
    expect(history.before(transport(2, "T0"))).toBeUndefined();
    expect(history.before(transport(2, `T${MAX_REMEMBERED}`))).toBeDefined();
  });
});
