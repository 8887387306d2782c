/** What a page calls, beside an engine that this file plays: in a worker as the page makes it. */
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { FromEngine, ToEngine } from "../../src/browser/monitor-messages.ts";
import { monitorPeerConnections, type PeerConnectionMonitor } from "../../src/browser/monitor-peer-connections.ts";
import type { StatsReport } from "../../src/browser/report-reader.ts";
import { MAX_POLLED, type PeerConnection } from "../../src/browser/stats-poller.ts";
import { at, reportOf } from "./reports.ts";

const REPORT = reportOf(at(1, [{ id: "T", type: "transport", bytesSent: 1, bytesReceived: 1 }]));

/** Stands for the browser's class; what it is told is kept. */
class FakeWorker {
  static last: FakeWorker | undefined;
  readonly told: ToEngine[] = [];
  #listener: ((event: { data: FromEngine }) => void) | undefined;

  constructor() {
    FakeWorker.last = this;
  }
  addEventListener(type: string, listener: (event: { data: FromEngine }) => void): void {
    if (type === "message") this.#listener = listener;
  }
  postMessage(message: ToEngine): void {
    this.told.push(message);
    if (message.kind === "stop") this.tell({ kind: "stopped" });
  }
  terminate(): void {
    this.#listener = undefined;
  }
  tell(data: FromEngine): void {
    this.#listener?.({ data });
  }
}

class FakeConnection implements PeerConnection {
  connectionState = "connected";
  calls = 0;
  async getStats(): Promise<StatsReport> {
    this.calls += 1;
    return REPORT;
  }
}

/** Resolves when the page had some turns. */
async function turns(): Promise<void> {
  for (let turn = 0; turn < 100; turn += 1) await new Promise((resolve) => void setImmediate(resolve));
}

let monitor: PeerConnectionMonitor;
let worker: FakeWorker;
beforeEach(() => {
  vi.stubGlobal("Worker", FakeWorker);
  monitor = monitorPeerConnections({ url: "https://bridge.example", workerUrl: "/worker.js" });
  worker = FakeWorker.last!;
  worker.tell({ kind: "ready" });
});
afterEach(async () => {
  await monitor.stop();
  vi.unstubAllGlobals();
});

/** Connections whose reports were posted since the last call. */
function reported(): number[] {
  return worker.told.splice(0).flatMap((message) => {
    return message.kind === "reports" ? message.reports.map(({ connection }) => connection) : [];
  });
}

async function tick(): Promise<void> {
  worker.tell({ kind: "tick" });
  await turns();
}

describe("a monitor", () => {
  it("goes on when it is given what is no connection", async () => {
    const given = [undefined, null, {}, { connectionState: "closed" }] as unknown as PeerConnection[];
    for (const one of given) expect(() => monitor.add(one)).not.toThrow();
    monitor.add(new FakeConnection());
    await turns();
    expect(reported()).toEqual([1]);
    // A rejection that nobody waits for would end this run.
    await tick();
    expect(reported()).toEqual([1]);
    for (const one of given) await monitor.remove(one);
  });

  it("tells nothing more of a connection once it has told that it was removed, however late its browser answers", async () => {
    const answers: ((report: StatsReport) => void)[] = [];
    const late = { getStats: () => new Promise<StatsReport>((resolve) => void answers.push(resolve)) };
    monitor.add(late);
    await turns();
    expect(reported()).toEqual([]);
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    const removed = monitor.remove(late);
    await vi.advanceTimersByTimeAsync(3_000);
    vi.useRealTimers();
    await removed;
    expect(worker.told).toContainEqual({ kind: "removed", connection: 1 });
    for (const answer of answers.splice(0)) answer(REPORT);
    await turns();
    for (const answer of answers.splice(0)) answer(REPORT);
    await tick();
    expect(reported()).toEqual([]);
  });

  it("lets closed connections go while nothing ticks, and has room for new ones at once", async () => {
    const followed: FakeConnection[] = [];
    for (let added = 0; added < MAX_POLLED; added += 1) {
      const connection = new FakeConnection();
      followed.push(connection);
      monitor.add(connection);
    }
    monitor.add(new FakeConnection());
    await turns();
    reported();
    for (const connection of followed) connection.connectionState = "closed";
    monitor.add(new FakeConnection());
    await turns();
    const removed = worker.told.filter(({ kind }) => kind === "removed");
    expect(removed).toHaveLength(MAX_POLLED);
    reported();
    await tick();
    expect(reported()).toHaveLength(1);
  });
});
