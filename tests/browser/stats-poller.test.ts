import { describe, expect, it } from "vitest";
import { SLICE_MILLIS, SliceQueue } from "../../src/browser/slice-queue.ts";
import type { StatsReport } from "../../src/browser/report-reader.ts";
import { MAX_POLLED, type PeerConnection, StatsPoller } from "../../src/browser/stats-poller.ts";
import type { PostedReport } from "../../src/browser/stats-entry.ts";
import { settled } from "../support/fake-clock.ts";
import { at, reportOf } from "./reports.ts";

const REPORT = reportOf(at(1, [{ id: "T", type: "transport", bytesSent: 1, bytesReceived: 1 }]));

/** A page with a poller and time that its connections take. */
class PolledPage {
  millis = 0;
  readonly posted: { connection: number; report: PostedReport }[] = [];
  readonly poller = new StatsPoller({
    post: (connection, report) => void this.posted.push({ connection, report }),
    statsIntervalMillis: 1_000,
    monotonicMillis: () => this.millis,
    afterTurn: (callback) => void setImmediate(callback),
  });

  connection(takesMillis = 0): PeerConnection & { calls: number } {
    const connection = {
      calls: 0,
      connectionState: "connected",
      getStats: async (): Promise<StatsReport> => {
        connection.calls += 1;
        this.millis += takesMillis;
        return REPORT;
      },
    };
    return connection;
  }
}

describe("the poller", () => {
  it("posts a report of each connection at each tick, and one at once when it is added", async () => {
    const page = new PolledPage();
    page.poller.add(1, page.connection());
    page.poller.add(2, page.connection());
    await settled();
    await settled();
    await page.poller.tick();
    expect(page.posted.map(({ connection }) => connection)).toEqual([1, 2, 1, 2]);
    expect(page.posted[0]!.report).toMatchObject({ connectionState: "connected", entries: [{ id: "T" }] });
  });

  it("never has two calls of a connection under way, and is not held up by one that does not answer", async () => {
    const page = new PolledPage();
    const stuck = { calls: 0, getStats: () => ((stuck.calls += 1), new Promise<StatsReport>(() => undefined)) };
    page.poller.add(1, stuck);
    page.poller.add(2, page.connection());
    await settled();
    await settled();
    await page.poller.tick();
    await page.poller.tick();
    expect(stuck.calls).toBe(1);
    expect(page.posted.map(({ connection }) => connection)).toEqual([2, 2, 2]);
  });

  it("asks a slow connection less often, and a quick one at every tick", async () => {
    const page = new PolledPage();
    const [slow, quick] = [page.connection(350), page.connection()];
    page.poller.add(1, slow);
    page.poller.add(2, quick);
    await settled();
    await settled();
    for (let tick = 0; tick < 8; tick += 1) await page.poller.tick();
    // 350 ms of 1,000 are three and a half tenths: three ticks out after each call.
    expect(slow.calls).toBe(3);
    expect(quick.calls).toBe(9);
  });

  it("takes a last report before it forgets a connection", async () => {
    const page = new PolledPage();
    page.poller.add(1, page.connection());
    await page.poller.remove(1);
    expect(page.posted).toHaveLength(2);
    await page.poller.tick();
    expect(page.posted).toHaveLength(2);
  });

  it("survives connections that fail, in whatever way", async () => {
    const page = new PolledPage();
    page.poller.add(1, { getStats: () => Promise.reject(new Error("closed")) });
    page.poller.add(2, {
      getStats: () => {
        throw new Error("closed");
      },
    });
    page.poller.add(3, { getStats: () => Promise.resolve({} as StatsReport) });
    page.poller.add(4, page.connection());
    await settled();
    await settled();
    await page.poller.tick();
    await page.poller.tick();
    await page.poller.remove(1);
    expect(page.posted.map(({ connection }) => connection)).toEqual([4, 4, 4]);
  });

  it("follows so many connections and no more", () => {
    const page = new PolledPage();
    for (let index = 0; index < MAX_POLLED; index += 1) expect(page.poller.add(index, page.connection())).toBe(true);
    expect(page.poller.add(MAX_POLLED, page.connection())).toBe(false);
  });

  it("knows which connections were closed", () => {
    const page = new PolledPage();
    page.poller.add(1, page.connection());
    page.poller.add(2, { ...page.connection(), connectionState: "closed" });
    expect(page.poller.closed()).toEqual([2]);
  });
});

describe("work in slices", () => {
  it("leaves the page a turn after each slice, and keeps its order", async () => {
    let millis = 0;
    const slices: number[][] = [];
    const turns: (() => void)[] = [];
    const queue = new SliceQueue({ monotonicMillis: () => millis, afterTurn: (callback) => void turns.push(callback) });
    const done = Array.from({ length: 5 }, (_, index) =>
      queue.run(() => {
        slices.at(-1)!.push(index);
        millis += SLICE_MILLIS * 0.4;
      }),
    );
    while (turns.length > 0) {
      slices.push([]);
      turns.shift()!();
    }
    await Promise.all(done);
    expect(slices).toEqual([
      [0, 1, 2],
      [3, 4],
    ]);
  });

  it("goes on after a piece that throws", async () => {
    const queue = new SliceQueue({ monotonicMillis: () => 0, afterTurn: (callback) => void setImmediate(callback) });
    const ran: string[] = [];
    await Promise.all([
      queue.run(() => {
        throw new Error("no");
      }),
      queue.run(() => void ran.push("next")),
    ]);
    expect(ran).toEqual(["next"]);
  });
});
