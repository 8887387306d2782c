import { describe, expect, it } from "vitest";
import type { BridgeConnection, BridgeHooks } from "../../src/browser/bridge-connection.ts";
import { MonitorEngine } from "../../src/browser/monitor-engine.ts";
import type { EngineSettings, FromEngine, RemoteConfig } from "../../src/browser/monitor-messages.ts";
import { type Result, retryable, success } from "../../src/model/result.ts";
import type { ConnectionReport } from "../../src/browser/stats-entry.ts";
import { FakeClock, settled } from "../support/fake-clock.ts";
import { exportedSeries } from "./exported-series.ts";
import { at, FollowedPage } from "./reports.ts";

const SETTINGS: EngineSettings = {
  url: "https://bridge.example",
  resourceAttributes: { "service.name": "meeting" },
  statsIntervalMillis: 1_000,
  emitThrottleMillis: 10_000,
};

function sumOf(body: Uint8Array, metric: string): number {
  const those = [...exportedSeries(body)].filter(([series]) => series.startsWith(`${metric}{`));
  return those.reduce((sum, [, value]) => sum + value, 0);
}

/** An engine with a page that answers every tick, and a bridge that takes everything. */
class EngineWorld {
  readonly clock = new FakeClock(0);
  readonly posted: FromEngine[] = [];
  readonly exports: { second: number; bytes: number }[] = [];
  /** The page answers ticks; false: its main thread is busy. */
  answering = true;
  closed = false;
  /** As last exported. */
  connectedSeconds = 0;
  /** What the bridge says to the next exports, before it takes everything. */
  readonly refusals: Result<void>[] = [];
  hooks: BridgeHooks | undefined;
  readonly #page = new FollowedPage();
  readonly engine: MonitorEngine;

  constructor() {
    this.engine = new MonitorEngine({
      clock: this.clock,
      random: () => 0.5,
      newInstanceId: () => "another",
      post: (message) => {
        this.posted.push(message);
        if (message.kind === "tick" && this.answering) this.answer();
      },
      connect: (_url, hooks) => this.#connect(hooks),
    });
    this.engine.handle({ kind: "start", settings: SETTINGS });
  }

  #connect(hooks: BridgeHooks): BridgeConnection {
    this.hooks = hooks;
    return {
      isConnected: () => true,
      hurry: async () => undefined,
      send: async (body): Promise<Result<void>> => {
        const refusal = this.refusals.shift();
        if (refusal !== undefined) return refusal;
        const bytes = sumOf(body, "webrtc.io");
        this.connectedSeconds = sumOf(body, "webrtc.connection.time");
        this.exports.push({ second: this.clock.monotonicMillis() / 1_000, bytes });
        return success(undefined);
      },
      close: () => void (this.closed = true),
    };
  }

  /** A report of a call that sends 1,000 bytes a second. */
  answer(): void {
    this.engine.handle({ kind: "reports", reports: [this.report()] });
    this.engine.handle({ kind: "ticked" });
  }

  report(): ConnectionReport {
    const second = this.clock.monotonicMillis() / 1_000;
    const entries = at(second, [
      { id: "T", type: "transport", selectedCandidatePairId: "P", bytesSent: second * 1_000, bytesReceived: 0 },
      { id: "P", type: "candidate-pair", transportId: "T" },
    ]);
    return { connection: 1, report: this.#page.post(entries) };
  }

  ticks(): number {
    return this.posted.filter(({ kind }) => kind === "tick").length;
  }

  async configure(config: RemoteConfig): Promise<void> {
    this.hooks!.onConfig(config);
    await settled();
  }
}

describe("the engine", () => {
  it("asks for reports every interval and exports every throttle interval", async () => {
    const world = new EngineWorld();
    await world.clock.advance(30_000);
    expect(world.ticks()).toBe(30);
    expect(world.exports).toEqual([
      { second: 10, bytes: 9_000 },
      { second: 20, bytes: 19_000 },
      { second: 30, bytes: 29_000 },
    ]);
    expect(world.posted.filter(({ kind }) => kind === "reading")).toHaveLength(30);
  });

  it("goes on with time and exports while the main thread does not answer", async () => {
    const world = new EngineWorld();
    await world.clock.advance(5_000);
    world.answering = false;
    await world.clock.advance(10_000);
    expect(world.ticks()).toBe(15);
    expect(world.exports).toEqual([{ second: 10, bytes: 4_000 }]);
  });

  it("takes the intervals that the bridge sets, within limits", async () => {
    const world = new EngineWorld();
    await world.configure({ statsIntervalMillis: 2_000, emitThrottleMillis: 4_000 });
    await world.clock.advance(12_000);
    expect(world.ticks()).toBe(6);
    expect(world.exports.map(({ second }) => second)).toEqual([4, 8, 12]);
    await world.configure({ statsIntervalMillis: 0, emitThrottleMillis: -1 });
    await world.configure({ statsIntervalMillis: "fast", enabled: "no" } as unknown as RemoteConfig);
    await world.clock.advance(4_000);
    expect(world.ticks()).toBe(8);
  });

  it("measures nothing while the bridge has switched it off, and does not count that time and traffic after", async () => {
    const world = new EngineWorld();
    await world.clock.advance(5_000);
    await world.configure({ enabled: false });
    const readings = world.posted.filter(({ kind }) => kind === "reading").length;
    await world.clock.advance(60_000);
    world.answer();
    expect(world.ticks()).toBe(5);
    expect(world.posted.filter(({ kind }) => kind === "reading")).toHaveLength(readings);
    await world.configure({ enabled: true });
    await world.clock.advance(10_000);
    expect(world.exports.at(-1)!.bytes).toBeLessThan(20_000);
    expect(world.ticks()).toBe(15);
  });

  it("asks the page for a token each time one is wanted", async () => {
    const world = new EngineWorld();
    const token = world.hooks!.token();
    expect(world.posted.at(-1)).toEqual({ kind: "token" });
    world.engine.handle({ kind: "token", token: "abc" });
    expect(await token).toBe("abc");
  });

  it("asks a page that takes long for its token once for all connections, and again after a while", async () => {
    const world = new EngineWorld();
    const asked = (): number => world.posted.filter(({ kind }) => kind === "token").length;
    const tokens = [world.hooks!.token(), world.hooks!.token()];
    await world.clock.advance(59_000);
    tokens.push(world.hooks!.token());
    expect(asked()).toBe(1);
    await world.clock.advance(1_000);
    tokens.push(world.hooks!.token());
    expect(asked()).toBe(2);
    world.engine.handle({ kind: "token", token: "abc" });
    expect(await Promise.all(tokens)).toEqual(["abc", "abc", "abc", "abc"]);
    void world.hooks!.token();
    expect(asked()).toBe(3);
  });

  it("exports at once when the page goes away", async () => {
    const world = new EngineWorld();
    await world.clock.advance(13_000);
    world.engine.handle({ kind: "hide" });
    await settled();
    expect(world.exports.at(-1)).toEqual({ second: 13, bytes: 12_000 });
  });

  it("exports a last time when it is stopped, closes its connection and ticks no more", async () => {
    const world = new EngineWorld();
    await world.clock.advance(3_000);
    world.engine.handle({ kind: "stop" });
    await settled();
    expect(world.exports).toEqual([{ second: 3, bytes: 2_000 }]);
    expect(world.closed).toBe(true);
    expect(world.posted.at(-1)).toEqual({ kind: "stopped" });
    await world.clock.advance(10_000);
    expect(world.ticks()).toBe(3);
  });

  it("tries again to bring its rest to the bridge when another engine goes on, and says when it has", async () => {
    const world = new EngineWorld();
    await world.clock.advance(3_000);
    world.refusals.push(retryable("unavailable", "not now"), retryable("unavailable", "not now"));
    world.engine.handle({ kind: "retire" });
    await settled();
    expect([world.exports, world.closed, world.posted.at(-1)!.kind]).toEqual([[], false, "reading"]);
    await world.clock.advance(60_000);
    expect(world.exports.map(({ bytes }) => bytes)).toEqual([2_000]);
    expect([world.closed, world.posted.at(-1)!.kind]).toEqual([true, "stopped"]);
    expect(world.ticks()).toBe(3);
  });

  it("exports what it still has when the page goes away while it tries", async () => {
    const world = new EngineWorld();
    await world.clock.advance(3_000);
    world.refusals.push(retryable("unavailable", "not now"));
    world.engine.handle({ kind: "retire" });
    await settled();
    world.engine.handle({ kind: "hide" });
    await settled();
    expect(world.exports).toEqual([{ second: 3, bytes: 2_000 }]);
  });

  it("counts no time once another engine does, but the bytes of last reports", async () => {
    const world = new EngineWorld();
    world.answering = false;
    for (let second = 1; second <= 4; second += 1) {
      await world.clock.advance(1_000);
      world.answer();
    }
    world.engine.handle({ kind: "moved" });
    await world.clock.advance(3_000);
    const ticks = world.ticks();
    world.engine.handle({ kind: "reports", reports: [world.report()] });
    world.engine.handle({ kind: "retire" });
    await settled();
    expect(world.ticks()).toBe(ticks);
    expect(world.exports.at(-1)).toEqual({ second: 7, bytes: 6_000 });
    expect(world.connectedSeconds).toBe(3);
  });
});
