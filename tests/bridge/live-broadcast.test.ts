import { beforeEach, describe, expect, it } from "vitest";
import { LiveBroadcast, type LiveFigures, type LiveWatcher } from "../../src/bridge/live-broadcast.ts";
import { type Result, retryable, success } from "../../src/model/result.ts";
import { FakeClock, settled } from "../support/fake-clock.ts";

const THROTTLE = 2000;

interface Figures extends LiveFigures {
  readonly value: number;
}

class Watcher implements LiveWatcher {
  readonly received: number[] = [];
  ended = false;
  writable = true;
  allowed = true;
  buffered = 0;

  isWritable(): boolean {
    return this.writable;
  }
  bufferedBytes(): number {
    return this.buffered;
  }
  isAllowed(): boolean {
    return this.allowed;
  }
  send(figures: LiveFigures): void {
    this.received.push((figures as Figures).value);
  }
  end(): void {
    this.ended = true;
  }
}

let clock: FakeClock;
let value: number;
let reads: number;
let failing: boolean;
let broadcast: LiveBroadcast;

beforeEach(() => {
  clock = new FakeClock(1_800_000_000_000);
  [value, reads, failing] = [1, 0, false];
  broadcast = new LiveBroadcast({
    clock,
    live: async (): Promise<Result<Figures>> => {
      reads += 1;
      if (failing) return retryable("unavailable", "Redis is away");
      return success({ at: clock.nowMillis(), value });
    },
    throttleMillis: THROTTLE,
    maxBufferedBytes: 1000,
  });
});

describe("one who watches", () => {
  it("gets the figures at once, and then when they have changed, no sooner than the throttle allows", async () => {
    const watcher = new Watcher();
    await broadcast.add(watcher);
    expect(watcher.received).toEqual([1]);
    value = 2;
    await clock.advance(THROTTLE - 1);
    expect(watcher.received).toEqual([1]);
    await clock.advance(1);
    expect(watcher.received).toEqual([1, 2]);
  });

  it("gets nothing while nothing but the time changes", async () => {
    const watcher = new Watcher();
    await broadcast.add(watcher);
    await clock.advance(10 * THROTTLE);
    expect(watcher.received).toEqual([1]);
  });

  it("who comes between two ticks is not sent more often than another", async () => {
    const first = new Watcher();
    await broadcast.add(first);
    await clock.advance(1500);
    const second = new Watcher();
    await broadcast.add(second);
    value = 2;
    await clock.advance(500);
    expect([first.received, second.received]).toEqual([[1, 2], [1]]);
    await clock.advance(THROTTLE);
    expect(second.received).toEqual([1, 2]);
  });

  it("who reads slowly gets the newest when there is room, and nothing of what was between", async () => {
    const watcher = new Watcher();
    await broadcast.add(watcher);
    watcher.writable = false;
    for (value = 2; value < 6; value++) await clock.advance(THROTTLE);
    watcher.writable = true;
    await clock.advance(THROTTLE);
    expect(watcher.received).toEqual([1, 6]);
  });

  it("who has too much waiting is ended, and the others are not", async () => {
    const [slow, other] = [new Watcher(), new Watcher()];
    await broadcast.add(slow);
    await broadcast.add(other);
    slow.buffered = 1001;
    value = 2;
    await clock.advance(THROTTLE);
    expect([slow.ended, slow.received, other.ended, other.received]).toEqual([true, [1], false, [1, 2]]);
  });

  it("whose right has ended gets nothing more", async () => {
    const watcher = new Watcher();
    await broadcast.add(watcher);
    watcher.allowed = false;
    value = 2;
    await clock.advance(THROTTLE);
    expect([watcher.ended, watcher.received]).toEqual([true, [1]]);
  });

  it("gets the figures as soon as they can be had again", async () => {
    failing = true;
    const watcher = new Watcher();
    await broadcast.add(watcher);
    await clock.advance(THROTTLE);
    expect(watcher.received).toEqual([]);
    failing = false;
    await clock.advance(THROTTLE);
    expect(watcher.received).toEqual([1]);
  });

  it("is told of alerts at once, once", async () => {
    const watcher = new Watcher();
    await broadcast.add(watcher);
    await clock.advance(100);
    value = 2;
    await broadcast.changed();
    expect(watcher.received).toEqual([1, 2]);
    await clock.advance(THROTTLE);
    expect(watcher.received).toEqual([1, 2]);
  });

  it("is told of alerts that began while older figures were being read", async () => {
    const watcher = new Watcher();
    const adding = broadcast.add(watcher);
    value = 2;
    await broadcast.changed();
    await adding;
    expect(watcher.received.at(-1)).toBe(2);
  });
});

describe("the figures", () => {
  it("are read once for all who watch, and by nobody for nobody", async () => {
    await clock.advance(10 * THROTTLE);
    await broadcast.changed();
    expect(reads).toBe(0);
    const watchers = [new Watcher(), new Watcher(), new Watcher()];
    await Promise.all(watchers.map((watcher) => broadcast.add(watcher)));
    expect(reads).toBe(1);
    await clock.advance(THROTTLE);
    expect(reads).toBe(2);
    for (const watcher of watchers) broadcast.remove(watcher);
    await clock.advance(10 * THROTTLE);
    await settled();
    expect(reads).toBe(2);
  });
});
