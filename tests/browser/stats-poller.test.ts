import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { MAX_SLICE_PIECES, SLICE_MILLIS, SliceQueue } from "../../src/browser/slice-queue.ts";
import type { StatsReport } from "../../src/browser/report-reader.ts";
import { MAX_POLLED, type PeerConnection, StatsPoller, tellsStats } from "../../src/browser/stats-poller.ts";
import type { PostedReport } from "../../src/browser/stats-entry.ts";
import { settled } from "../support/fake-clock.ts";
import { at, reportOf } from "./reports.ts";

const REPORT = reportOf(at(1, [{ id: "T", type: "transport", bytesSent: 1, bytesReceived: 1 }]));

/** A connection that throws at whoever asks for its states. */
class WilfulConnection implements PeerConnection {
  async getStats(): Promise<StatsReport> {
    return REPORT;
  }
  get connectionState(): string {
    throw new Error("ours alone");
  }
  get signalingState(): string {
    throw new Error("ours alone");
  }
}

/** A page with a poller and time that its connections take. */
class PolledPage {
  millis = 0;
  readonly posted: { connection: number; report: PostedReport }[] = [];
  readonly surroundings = {
    statsIntervalMillis: 1_000,
    monotonicMillis: (): number => this.millis,
    afterTurn: (callback: () => void) => void setImmediate(callback),
  };
  readonly poller = new StatsPoller({
    ...this.surroundings,
    post: (reports) => void this.posted.push(...reports),
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

  it("posts what it read in a slice as one, each slice by itself", async () => {
    const page = new PolledPage();
    const posts: number[] = [];
    const poller = new StatsPoller({ ...page.surroundings, post: (reports) => void posts.push(reports.length) });
    for (let index = 0; index < MAX_SLICE_PIECES + 1; index += 1) poller.add(index, page.connection());
    for (let turns = 0; turns < 4; turns += 1) await settled();
    expect(posts).toEqual([MAX_SLICE_PIECES, 1]);
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

  it("knows which connections were closed, by either state, whatever others do when they are asked", () => {
    const page = new PolledPage();
    page.poller.add(1, page.connection());
    page.poller.add(2, { ...page.connection(), connectionState: "closed" });
    page.poller.add(3, new WilfulConnection());
    page.poller.add(4, { getStats: async () => REPORT, signalingState: "closed" });
    page.poller.add(5, { ...page.connection(), signalingState: "stable" });
    expect(page.poller.closed()).toEqual([2, 4]);
  });

  it("posts the report of a connection whose state cannot be had, and those of all others", async () => {
    const page = new PolledPage();
    page.poller.add(1, new WilfulConnection());
    page.poller.add(2, { getStats: async () => REPORT, connectionState: (() => "new") as unknown as string });
    page.poller.add(3, page.connection());
    await settled();
    await settled();
    expect(page.posted.map(({ connection, report }) => [connection, report.connectionState])).toEqual([
      [1, undefined],
      [2, undefined],
      [3, "connected"],
    ]);
  });

  it("is given nothing that cannot be asked for reports", () => {
    const revoked = Proxy.revocable({}, {});
    revoked.revoke();
    const given = [undefined, null, 1, "connection", {}, { getStats: "no function" }, revoked.proxy];
    expect(given.map((one) => tellsStats(one))).toEqual(given.map(() => false));
    expect(tellsStats(new WilfulConnection())).toBe(true);
  });
});

/** A queue whose pieces take time of a clock that stands still otherwise, and the slices that it made. */
class SlicedWork {
  millis = 0;
  readonly #turns: (() => void)[] = [];
  readonly queue = new SliceQueue({
    monotonicMillis: () => this.shownMillis(),
    afterTurn: (callback) => void this.#turns.push(callback),
    sliceEnded: () => void this.ended.push(this.slices.at(-1)!.length),
  });
  /** The pieces of each slice by number, and when each began, from the slice's begin on. */
  readonly slices: { piece: number; beganMillis: number }[][] = [];
  readonly ended: number[] = [];
  readonly #stepMillis: number;

  /** @param stepMillis the clock shows whole steps; 0: all it knows */
  constructor(stepMillis = 0) {
    this.#stepMillis = stepMillis;
  }

  shownMillis(): number {
    return this.#stepMillis === 0 ? this.millis : Math.floor(this.millis / this.#stepMillis) * this.#stepMillis;
  }

  add(piece: number, takesMillis: number): Promise<void> {
    return this.queue.run(() => {
      const slice = this.slices.at(-1)!;
      slice.push({ piece, beganMillis: this.millis - this.#began });
      this.millis += takesMillis;
    });
  }

  #began = 0;

  runAll(): void {
    for (let turn = this.#turns.shift(); turn !== undefined; turn = this.#turns.shift()) {
      this.slices.push([]);
      this.#began = this.millis;
      turn();
      // What the page does between two slices.
      this.millis += 3;
    }
  }
}

describe("work in slices", () => {
  it("leaves the page a turn after each slice, and keeps its order", async () => {
    const work = new SlicedWork();
    const done = Array.from({ length: 5 }, (_, index) => work.add(index, SLICE_MILLIS * 0.4));
    work.runAll();
    await Promise.all(done);
    expect(work.slices.map((slice) => slice.map(({ piece }) => piece))).toEqual([
      [0, 1, 2],
      [3, 4],
    ]);
    expect(work.ended).toEqual([3, 2]);
  });

  it("begins no piece when a slice's time is up, whatever pieces take, and leaves none out", () => {
    fc.assert(
      fc.property(fc.array(fc.double({ min: 0, max: 3, noNaN: true }), { maxLength: 80 }), (takes) => {
        const work = new SlicedWork();
        for (const [piece, millis] of takes.entries()) void work.add(piece, millis);
        work.runAll();
        expect(work.slices.flat().map(({ piece }) => piece)).toEqual([...takes.keys()]);
        for (const slice of work.slices) {
          expect(slice.length).toBeGreaterThan(0);
          for (const { beganMillis } of slice.slice(1)) expect(beganMillis).toBeLessThan(SLICE_MILLIS);
        }
        expect(work.ended).toEqual(work.slices.map(({ length }) => length));
      }),
    );
  });

  it("ends a slice after some pieces where the clock goes in long steps", () => {
    const work = new SlicedWork(100);
    for (let piece = 0; piece < 2 * MAX_SLICE_PIECES + 1; piece += 1) void work.add(piece, 0.1);
    work.runAll();
    expect(work.slices.map(({ length }) => length)).toEqual([MAX_SLICE_PIECES, MAX_SLICE_PIECES, 1]);
  });

  it("says that a piece is done when what its slice read is posted", async () => {
    const work = new SlicedWork();
    let endedBefore = -1;
    const done = work.add(0, 0).then(() => (endedBefore = work.ended.length));
    work.runAll();
    await done;
    expect(endedBefore).toBe(1);
  });

  it("goes on after a piece that throws", async () => {
    const queue = new SliceQueue({
      monotonicMillis: () => 0,
      afterTurn: (callback) => void setImmediate(callback),
      sliceEnded: () => {
        throw new Error("nor this");
      },
    });
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
